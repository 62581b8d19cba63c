/*
 * What Channel Access threads call when something has come: the only native code here. A monitored
 * number goes straight into the shared columns; any other answer is copied into the cell that its
 * request named, which is said in a ring, and decoded elsewhere. The callbacks of one context never run
 * at the same time, so a lane has one writer. On libca's threads it calls nothing of Node, and of libca
 * only what sends the next puts: libca never makes its own threads wait for that.
 *
 * A reader looks at `sequence` before and after: odd or changed means that it has to read again.
 * Layouts are described once more in memory.ts; change both together.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct lane {
    uint32_t head, mask; int32_t armed, wake; uint32_t *ring;
    /* Whether the columns have passed to somebody else, and whether they are being written here. */
    const int32_t *ended; int32_t *busy;
    int64_t *time; double *num; uint32_t *sequence, *updates; uint8_t *severity, *status;
};
struct batch { int32_t left; uint32_t token; };
struct cell {
    uint32_t sequence; int32_t status; uint32_t count, type, calls, queued, room, token;
    uint8_t *data; struct batch *batch; struct lane *lane;
};
/* A monitored number: its row, or -1 once it is given up, and where its IOC's updates are counted. */
struct monitor { struct lane *lane; uint32_t *count; int32_t row; };

/* As libca passes them, by value. */
struct event { void *user; void *channel; long type, count; const void *value; int status; };
struct connection { void *channel; long state; };
struct access { void *channel; unsigned rights; };

/* Bytes before the first element, by DBR type, and bytes of an element, by native type. */
static const uint16_t before[35] = {
    0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 5, 4, 8, 12, 14, 12, 14, 15, 12, 16, 4, 24, 40, 422, 19, 36, 64, 4, 28, 48, 422, 21, 44, 80 };
static const uint8_t element[7] = { 40, 2, 4, 2, 1, 4, 8 };

typedef int (*get)(long, unsigned long, void *, void (*)(struct event), void *);
typedef int (*put)(long, unsigned long, void *, const void *, void (*)(struct event), void *);

/* libca's functions: ca_puser, as a connection names its channel only; ca_array_put_callback; ca_flush_io. */
static struct cell *(*cell_of)(void *channel);
static put put_callback;
static int (*flush)(void);
void drey_use(struct cell *(*puser)(void *), put put, int (*flush_io)(void)) { cell_of = puser, put_callback = put, flush = flush_io; }

static void push(struct lane *lane, uint32_t token) {
    lane->ring[lane->head & lane->mask] = token;
    __atomic_store_n(&lane->head, lane->head + 1, __ATOMIC_RELEASE);
}

static void rouse(struct lane *lane) {
    if (__atomic_exchange_n(&lane->armed, 0, __ATOMIC_ACQ_REL) && write(lane->wake, "", 1) < 0) lane->armed = 1;
}

static void begin(uint32_t *sequence) {
    __atomic_store_n(sequence, *sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void end(uint32_t *sequence) { __atomic_store_n(sequence, *sequence + 1, __ATOMIC_RELEASE); }

static void finish(struct cell *cell) {
    struct batch *batch = cell->batch;
    cell->calls++;
    end(&cell->sequence);
    /* A cell waits in the ring once, however often it is written: so the ring cannot overflow. */
    if (cell->token && !__atomic_exchange_n(&cell->queued, 1, __ATOMIC_ACQ_REL)) push(cell->lane, cell->token);
    if (!batch) return;
    int32_t left = __atomic_sub_fetch(&batch->left, 1, __ATOMIC_ACQ_REL);
    if (left == 0 && batch->token) push(cell->lane, batch->token);
    if (left <= 0) rouse(cell->lane);
}

void drey_event(struct event event) {
    struct cell *cell = event.user;
    size_t size = 0;
    if (event.status == 1 && event.value && event.type >= 0 && event.type < 35)
        size = before[event.type] + (size_t)event.count * element[event.type % 7];
    begin(&cell->sequence);
    cell->status = event.status;
    cell->type = (uint32_t)event.type;
    cell->count = (uint32_t)event.count;
    if (size > 0) memcpy(cell->data, event.value, size < cell->room ? size : cell->room);
    finish(cell);
}

static double number(long native, const void *value) {
    switch (native) {
    case 1: return *(const int16_t *)value;
    case 2: return *(const float *)value;
    case 3: return *(const uint16_t *)value;
    case 4: return *(const uint8_t *)value;
    case 5: return *(const int32_t *)value;
    default: return *(const double *)value;
    }
}

/* EPICS counts from 1990; a record that was never processed has no time. */
static int64_t time_of(const uint32_t *stamp) {
    return stamp[0] || stamp[1] ? ((int64_t)stamp[0] + 631152000) * 1000000000 + stamp[1] : 0;
}

/* A monitored number. No access, a record that could not be read, no element: what was seen before stands. */
void drey_update(struct event event) {
    const struct monitor *monitor = event.user;
    const struct lane *lane = monitor->lane;
    if (event.status != 1 || event.count < 1 || event.type < 15 || event.type > 20) return;
    /* Said before looking: whoever takes the row away does so first and then waits for an end of this. */
    __atomic_store_n(lane->busy, 1, __ATOMIC_SEQ_CST);
    int32_t row = __atomic_load_n(&monitor->row, __ATOMIC_SEQ_CST);
    if (row >= 0 && !__atomic_load_n(lane->ended, __ATOMIC_SEQ_CST)) {
        const int16_t *state = event.value;
        begin(&lane->sequence[row]);
        lane->status[row] = (uint8_t)state[0];
        lane->severity[row] = (uint8_t)state[1];
        lane->time[row] = time_of((const uint32_t *)event.value + 1);
        lane->num[row] = number(event.type % 7, (const uint8_t *)event.value + before[event.type]);
        lane->updates[row]++;
        end(&lane->sequence[row]);
        __atomic_store_n(monitor->count, *monitor->count + 1, __ATOMIC_RELEASE);
    }
    __atomic_store_n(lane->busy, 0, __ATOMIC_RELEASE);
}

/* Asks for the values of many channels: a call from JavaScript for each would cost as much as the call itself. */
struct ask { void *channel; int32_t type; uint32_t count; };
uint32_t drey_get(get get, uint32_t length, const uint32_t *slots, const struct ask *asks, uint8_t *cells, uint32_t stride) {
    uint32_t asked = 0;
    for (uint32_t i = 0; i < length; i++) {
        const struct ask *ask = &asks[slots[i]];
        struct cell *cell = (struct cell *)(cells + (size_t)slots[i] * stride);
        cell->status = -1; /* no answer yet */
        int status = get(ask->type, ask->count, ask->channel, drey_event, cell);
        if (status == 1) asked++;
        else cell->status = status;
    }
    return asked;
}

/* Of the rows of a sweep that were answered: numbers into its columns, with outcome 1, and of every value the time and
   alarm state, which lie in front. Text and arrays themselves are left to JavaScript. */
void drey_take(uint32_t length, const int32_t *slots, const uint8_t *cells, uint32_t stride,
               int64_t *time, double *num, uint8_t *severity, uint8_t *status, uint8_t *outcome) {
    for (uint32_t i = 0; i < length; i++) {
        const struct cell *cell = (const struct cell *)(cells + (size_t)slots[i] * stride);
        uint32_t sequence;
        if (slots[i] < 0) continue;
        do {
            sequence = __atomic_load_n(&cell->sequence, __ATOMIC_ACQUIRE);
            outcome[i] = 0;
            if (cell->status != 1) break;
            const int16_t *state = (const int16_t *)cell->data;
            status[i] = (uint8_t)state[0];
            severity[i] = (uint8_t)state[1];
            time[i] = time_of((const uint32_t *)cell->data + 1);
            /* An array lies outside the cell, whatever it holds. */
            outcome[i] = cell->data == (const uint8_t *)(cell + 1) && cell->count > 0 && cell->type > 14 && cell->type < 21;
            if (outcome[i]) num[i] = number(cell->type % 7, cell->data + before[cell->type]);
            __atomic_thread_fence(__ATOMIC_ACQUIRE);
        } while (sequence & 1 || sequence != __atomic_load_n(&cell->sequence, __ATOMIC_RELAXED));
    }
}

void drey_connection(struct connection connection) {
    struct cell *cell = cell_of(connection.channel);
    begin(&cell->sequence);
    cell->status = (int32_t)connection.state;
    if (connection.state == 7) cell->count++; /* times lost */
    finish(cell);
}

void drey_access(struct access access) {
    struct cell *cell = cell_of(access.channel);
    begin(&cell->sequence);
    cell->type = access.rights;
    finish(cell);
}

/* The puts of a circuit: those that wait, in order, and how many and how many bytes are under way. */
struct puts {
    struct lane *lane; struct request *first, *last; double heard_at; int32_t under_way, bytes;
    pthread_mutex_t lock; /* Never held while libca is called: it may make our own thread wait. */
};
enum { FREE, QUEUED, SENT, GIVEN_UP, DONE, REFUSED };
struct request {
    struct puts *puts; struct batch *batch; struct request *next, *previous; void *channel; uint8_t *value; double sent_at;
    uint32_t count; int32_t bytes, type, window, state, status; uint8_t own[40];
};
/* More bytes than this under way could fill libca's queue, which would block our own thread. */
enum { MOST_BYTES = 128 * 1024, AT_ONCE = 64, DISCONNECTED = 192 };

static double clock_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void unlink_request(struct request *request) {
    struct puts *puts = request->puts;
    *(request->previous ? &request->previous->next : &puts->first) = request->next;
    *(request->next ? &request->next->previous : &puts->last) = request->previous;
}

static void drop_value(struct request *request) {
    if (request->value != request->own) free(request->value);
}

/* No longer waited for. Returns whether its batch is complete by that; all this under the lock. */
static int forgo(struct request *request) {
    if (request->state == SENT) request->puts->under_way--;
    else if (request->state != QUEUED) return 0;
    return --request->batch->left == 0;
}

static int settle(struct request *request, int32_t state, int32_t status) {
    struct puts *puts = request->puts;
    pthread_mutex_lock(&puts->lock);
    int complete = forgo(request);
    puts->bytes -= request->bytes;
    request->status = status;
    __atomic_store_n(&request->state, state, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&puts->lock);
    return complete;
}

void drey_put_done(struct event event);

/* Sends what the window allows. Returns how many libca refused. */
static uint32_t send_due(struct puts *puts) {
    for (uint32_t refused = 0;;) {
        struct request *due[AT_ONCE], *request;
        int found = 0;
        double at = clock_of(CLOCK_MONOTONIC);
        pthread_mutex_lock(&puts->lock);
        while (found < AT_ONCE && (request = puts->first) && puts->under_way < request->window && puts->bytes < MOST_BYTES) {
            unlink_request(request);
            request->sent_at = at;
            request->state = SENT;
            puts->under_way++;
            puts->bytes += request->bytes;
            due[found++] = request;
        }
        pthread_mutex_unlock(&puts->lock);
        if (found == 0) return refused;
        for (int i = 0; i < found; i++) {
            request = due[i];
            uint8_t *value = request->value == request->own ? NULL : request->value; /* the request may be done before the call returns */
            int status = put_callback(request->type, request->count, request->channel, request->value, drey_put_done, request);
            free(value);
            if (status != 1) settle(request, REFUSED, status), refused++;
        }
        flush();
    }
}

/* A quarter of the window at a time: fewer system calls for both sides. */
void drey_put_done(struct event event) {
    struct request *request = event.user;
    struct puts *puts = request->puts;
    puts->heard_at = clock_of(CLOCK_MONOTONIC_COARSE);
    uint32_t token = request->batch->token;
    int complete = settle(request, DONE, event.status);
    /* R4: libca says that a circuit is lost by its puts first; what it took now it would lose as well. And
       when our thread has died nobody would hear of it. */
    int over = event.status == DISCONNECTED || __atomic_load_n(puts->lane->ended, __ATOMIC_SEQ_CST);
    struct request *first = over ? NULL : __atomic_load_n(&puts->first, __ATOMIC_RELAXED);
    if (first && 4 * (first->window - puts->under_way) >= first->window && send_due(puts)) complete = 1;
    if (!complete) return;
    push(puts->lane, token);
    rouse(puts->lane);
}

/* Queues requests and sends what the window allows; with none, does only that. Returns how many libca refused. */
uint32_t drey_put(struct puts *puts, uint32_t length, const uint32_t *slots, struct request *requests) {
    pthread_mutex_lock(&puts->lock);
    for (uint32_t i = 0; i < length; i++) {
        struct request *request = &requests[slots[i]];
        request->puts = puts;
        request->batch->left++;
        request->next = NULL;
        request->previous = puts->last;
        *(puts->last ? &puts->last->next : &puts->first) = request;
        puts->last = request;
        request->state = QUEUED;
    }
    pthread_mutex_unlock(&puts->lock);
    return send_due(puts);
}

/* Takes back what was not sent; 0 if it was. */
int drey_unqueue(struct request *request) {
    pthread_mutex_lock(&request->puts->lock);
    int queued = request->state == QUEUED;
    if (queued) unlink_request(request), forgo(request), request->state = FREE;
    pthread_mutex_unlock(&request->puts->lock);
    if (queued) drop_value(request);
    return queued;
}

/* No longer counts what was sent: its channel stays busy when it is GIVEN_UP, and is gone when it is FREE. */
void drey_let_go(struct request *request, int32_t state) {
    struct puts *puts = request->puts;
    pthread_mutex_lock(&puts->lock);
    forgo(request);
    if (state == FREE && (request->state == SENT || request->state == GIVEN_UP)) puts->bytes -= request->bytes;
    if (request->state == SENT || state == FREE) request->state = state;
    pthread_mutex_unlock(&puts->lock);
}
