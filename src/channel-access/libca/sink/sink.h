/*
 * What our thread and Channel Access threads share: the only native code here. Layouts are described
 * once more in memory.ts, which compares the sizes at the end of this file with its own.
 *
 * The callbacks of one context never run at the same time, so a lane has one writer. On libca's threads
 * nothing of Node is called, and of libca only what sends the next puts: it never makes its own threads wait for that.
 */
#ifndef DREY_SINK_H
#define DREY_SINK_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lane {
    uint32_t head, mask; int32_t armed, wake; uint32_t *ring;
    /* Whether the columns have passed to somebody else, and whether they are being written here. */
    const int32_t *ended; int32_t *busy;
    int64_t *time; double *num; uint32_t *sequence, *updates; uint8_t *severity, *status;
};
struct batch { int32_t left; uint32_t token; };
/* A reader looks at `sequence` before and after: odd or changed means that it has to read again. */
struct cell {
    uint32_t sequence; int32_t status; uint32_t count, type, calls, queued, room, token;
    uint8_t *data; struct batch *batch; struct lane *lane;
};
/* A monitored number: its row, or -1 once it is given up, and where its IOC's updates are counted. */
struct monitor { struct lane *lane; uint32_t *count; int32_t row; };

/* Tables of our thread that only its own calls look at: by row, and by slot. Pointers are doubles where JavaScript has them. */
struct tables {
    const int32_t *slot_of; const uint8_t *row_state, *row_kind; const int64_t *row_hash;
    const uint8_t *state, *native, *flags, *access; const double *channel; double *asked, *data; const double *room;
    const uint8_t *put_live; const double *put_channel; const uint32_t *elements;
    uint8_t *cells; struct request *requests; uint32_t stride, rows;
};
enum { CONNECTED = 3, LIVE = 2, LONG_TEXT = 2, ARRAY = 4, READABLE = 1, WRITABLE = 2 };

/* The puts of a circuit: those that wait, in order, and how many and how many bytes are under way. */
struct request;
struct puts {
    struct lane *lane; struct request *first, *last; double heard_at; int32_t under_way, bytes;
    /* Never held while libca is called: it may make our own thread wait. Its size differs by machine. */
    union { pthread_mutex_t lock; uint8_t room[48]; };
};
struct request {
    struct puts *puts; struct batch *batch; struct request *next, *previous; void *channel; uint8_t *value; double sent_at;
    uint32_t count; int32_t bytes, type, window, state, status; uint8_t own[40];
};

enum { FREE, QUEUED, SENT, GIVEN_UP, DONE, REFUSED };

/* What was queued for one job on one circuit, and the job's columns; text and arrays, where the job has them here, lie in `beside`. */
struct run {
    const int32_t *row; const uint8_t *kind; const double *num; const int32_t *start, *size; const uint8_t *beside;
    uint8_t *outcome; uint16_t *code; double *sent_at; int32_t *order;
    int32_t *slot, *index; struct batch *batch;
    /* Rows of the job; puts queued; all before `noted` were sent, all before `open` have an outcome; sent of the whole job. */
    uint32_t rows, length, noted, open, sent; int32_t window;
};

/* One sweep of an IOC: its columns, and room for what does not fit into them, as packed-values.ts has both. */
struct sweep {
    int64_t *time, *hash; double *num; const int32_t *channel; uint16_t *code; uint8_t *outcome, *kind, *severity, *status, *access;
    int32_t *slots, *entries; uint8_t *bytes; struct batch *batch;
    double number;
    /* Next row to be asked for; entries and bytes there is room for; what was written, or would have been. */
    uint32_t length, next, most_entries, most_bytes, used_entries, used_bytes;
};

/* As libca passes them, by value. */
struct event { void *user; void *channel; long type, count; const void *value; int status; };
struct connection { void *channel; long state; };
struct access { void *channel; unsigned rights; };

typedef int (*get)(long, unsigned long, void *, void (*)(struct event), void *);
typedef int (*put)(long, unsigned long, void *, const void *, void (*)(struct event), void *);

/* libca's functions: ca_puser, as a connection names its channel only; ca_array_get_callback; ca_array_put_callback; ca_flush_io. */
extern __attribute__((visibility("hidden"))) struct libca { struct cell *(*cell_of)(void *channel); get get; put put; int (*flush)(void); } libca;

enum { NORMAL = 1, OUT_OF_MEMORY = 48, TOO_LARGE = 72, BAD_COUNT = 176, DISCONNECTED = 192, NO_READ_ACCESS = 368, NO_WRITE_ACCESS = 376 };
enum { STRING, SHORT, FLOAT, ENUM, CHAR, LONG, DOUBLE, TIME_FORM = 14 };
/* Bytes before the first element, by DBR type, and bytes of an element, by native type. */
static const uint16_t before[35] = {
    0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 5, 4, 8, 12, 14, 12, 14, 15, 12, 16, 4, 24, 40, 422, 19, 36, 64, 4, 28, 48, 422, 21, 44, 80 };
static const uint8_t element[7] = { 40, 2, 4, 2, 1, 4, 8 };

void drey_event(struct event event);

/* News for our thread. Only for whoever is the lane's one writer. */
static inline void push(struct lane *lane, uint32_t token) {
    lane->ring[lane->head & lane->mask] = token;
    __atomic_store_n(&lane->head, lane->head + 1, __ATOMIC_RELEASE);
}

static inline void rouse(struct lane *lane) {
    if (__atomic_exchange_n(&lane->armed, 0, __ATOMIC_ACQ_REL) && write(lane->wake, "", 1) < 0) lane->armed = 1;
}

static inline double number(long native, const void *value) {
    switch (native) {
    case SHORT: return *(const int16_t *)value;
    case FLOAT: return *(const float *)value;
    case ENUM: return *(const uint16_t *)value;
    case CHAR: return *(const uint8_t *)value;
    case LONG: return *(const int32_t *)value;
    default: return *(const double *)value;
    }
}

/* EPICS counts from 1990; a record that was never processed has no time. */
static inline int64_t time_of(const uint32_t *stamp) {
    return stamp[0] || stamp[1] ? ((int64_t)stamp[0] + 631152000) * 1000000000 + stamp[1] : 0;
}

#endif
