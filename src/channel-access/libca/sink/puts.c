/*
 * Puts with completion. The window of a circuit is kept here: libca's threads send the next ones when
 * some have completed, for which our thread would have to wake.
 */
#include "sink.h"
#include <time.h>

/* More bytes than this under way could fill libca's queue, which would block our own thread. */
enum { MOST_BYTES = 128 * 1024, AT_ONCE = 64 };

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

/* Gives libca what the window allows; who calls flushes. Returns how many libca refused. */
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
            int status = libca.put(request->type, request->count, request->channel, request->value, drey_put_done, request);
            free(value);
            if (status != 1) settle(request, REFUSED, status), refused++;
        }
    }
}

/* Half the window at a time: fewer system calls for both sides. */
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
    if (first && 2 * (first->window - puts->under_way) >= first->window) {
        if (send_due(puts)) complete = 1;
        libca.flush();
    }
    if (!complete) return;
    push(puts->lane, token);
    rouse(puts->lane);
}

/* Queues requests and gives libca what the window allows; with none, does only that. Flushing is left to the caller: once for
   all circuits of a turn, or the first answers contend with what is still to be sent. Returns how many libca refused. */
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
