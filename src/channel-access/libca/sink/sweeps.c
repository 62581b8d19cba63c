/*
 * A sweep as passes over columns: which rows can be asked, asking them, taking what was answered. Only
 * our own thread is ever here; per row JavaScript would cost more than libca itself.
 */
#include "sink.h"

/* Codes of contracts/values.ts. */
enum { PENDING, OK, TIMEOUT, GONE, NOT_FOUND, NO_READ_ACCESS_ROW, REFUSED_ROW = 7, TOO_LARGE_ROW = 10 };
enum { FREE_ROW, SEARCHING_ROW, ACCESS_KNOWN = 4 };
enum { TEXT_ENTRY, ARRAY_ENTRY };
/* Asked at once, 16 bytes each: well below the 256 KB at which libca makes its caller wait (I1). */
enum { LONGEST_PIECE = 8000 };

static struct cell *cell_at(const struct tables *tables, int32_t slot) {
    return (struct cell *)(tables->cells + (size_t)slot * tables->stride);
}

/* S1: a row without a value has no part of one either. */
static void clear(struct sweep *sweep, uint32_t i, uint8_t outcome) {
    sweep->outcome[i] = outcome;
    sweep->time[i] = sweep->hash[i] = 0;
    sweep->num[i] = 0;
    sweep->kind[i] = sweep->severity[i] = sweep->status[i] = 0;
}

/* Sets every row of every column, and the slots of those that can be asked; -1 for the others. */
void drey_start(struct sweep *sweep, const struct tables *tables) {
    for (uint32_t i = 0; i < sweep->length; i++) {
        uint32_t row = (uint32_t)sweep->channel[i];
        int32_t slot = row < tables->rows ? tables->slot_of[row] - 1 : -1;
        uint8_t access = 0, outcome = PENDING;
        if (slot < 0 || tables->state[slot] != LIVE) {
            uint8_t state = row < tables->rows ? tables->row_state[row] : FREE_ROW;
            outcome = state == FREE_ROW || state == SEARCHING_ROW ? NOT_FOUND : GONE;
        } else {
            access = tables->access[slot] | ACCESS_KNOWN;
            if (!(access & READABLE)) outcome = NO_READ_ACCESS_ROW;
        }
        clear(sweep, i, outcome);
        sweep->code[i] = 0;
        sweep->access[i] = access;
        sweep->slots[i] = outcome == PENDING ? slot : -1;
        if (outcome != PENDING) continue;
        sweep->kind[i] = tables->row_kind[row];
        sweep->hash[i] = tables->row_hash[row];
    }
    sweep->next = 0;
}

static int is_far(const struct tables *tables, int32_t slot) { return tables->flags[slot] & (ARRAY | LONG_TEXT); }

/* Arrays lie outside the cells: their memory is made when they are first asked for. */
static int reserve(const struct tables *tables, int32_t slot, struct cell *cell) {
    if (tables->data[slot] != 0 || !is_far(tables, slot)) return 1;
    uint8_t *data = calloc(1, (size_t)tables->room[slot]);
    if (!data) return 0;
    tables->data[slot] = (double)(uintptr_t)data;
    cell->data = data;
    cell->room = (uint32_t)tables->room[slot];
    return 1;
}

/* Asks for the next rows, each channel once. Returns how many answers will come, which its batch counts down. */
uint32_t drey_ask(struct sweep *sweep, const struct tables *tables) {
    const int32_t many = 1 << 30; /* Quick answers must not end the piece early. */
    uint32_t asked = 0, tried = 0;
    __atomic_store_n(&sweep->batch->left, many, __ATOMIC_SEQ_CST);
    for (; sweep->next < sweep->length && tried < LONGEST_PIECE; sweep->next++) {
        int32_t slot = sweep->slots[sweep->next];
        if (slot < 0 || tables->asked[slot] == sweep->number) continue;
        tables->asked[slot] = sweep->number;
        tried++;
        struct cell *cell = cell_at(tables, slot);
        cell->status = -1; /* no answer yet */
        int status = OUT_OF_MEMORY;
        /* As many elements as there are: asked for one, a record without any would be read as 0 (S1). */
        if (reserve(tables, slot, cell))
            status = libca.get(tables->native[slot] + TIME_FORM, 0, (void *)(uintptr_t)tables->channel[slot], drey_event, cell);
        if (status == NORMAL) asked++;
        else cell->status = status;
    }
    __atomic_sub_fetch(&sweep->batch->left, many - (int32_t)asked, __ATOMIC_SEQ_CST);
    return asked;
}

/* Room for an entry of so many bytes; NULL when there is none, which is counted nevertheless. */
static uint8_t *enter(struct sweep *sweep, uint32_t i, uint32_t bytes, int what) {
    uint32_t start = what == ARRAY_ENTRY ? (sweep->used_bytes + 7) & ~7u : sweep->used_bytes; /* of doubles, too */
    sweep->used_bytes = start + bytes;
    if (++sweep->used_entries > sweep->most_entries || sweep->used_bytes > sweep->most_bytes) return NULL;
    int32_t *entry = sweep->entries + 4 * (sweep->used_entries - 1);
    entry[0] = (int32_t)i, entry[1] = (int32_t)start, entry[2] = (int32_t)bytes, entry[3] = what;
    return sweep->bytes + start;
}

/* Texts of an array, with NUL between them. Returns their length; writes them if there is where to. */
static uint32_t join(uint8_t *to, const uint8_t *texts, uint32_t count) {
    uint32_t length = 0;
    for (uint32_t k = 0; k < count; k++) {
        uint32_t size = (uint32_t)strnlen((const char *)texts + k * 40, 40);
        if (k > 0) {
            if (to) to[length] = 0;
            length++;
        }
        if (to) memcpy(to + length, texts + k * 40, size);
        length += size;
    }
    return length;
}

static void take_far(struct sweep *sweep, uint32_t i, uint8_t native, int is_text, const uint8_t *value, uint32_t count) {
    uint32_t bytes = is_text ? (uint32_t)strnlen((const char *)value, count) : native == STRING ? join(NULL, value, count) : count * element[native];
    uint8_t *to = enter(sweep, i, bytes, is_text ? TEXT_ENTRY : ARRAY_ENTRY);
    if (!to) return;
    if (native == STRING) join(to, value, count);
    else memcpy(to, value, bytes);
}

/* What a cell holds, which may be changing meanwhile. Returns the outcome of the row. */
static uint8_t take_cell(struct sweep *sweep, uint32_t i, const struct tables *tables, int32_t slot, const struct cell *cell, uint8_t otherwise) {
    uint8_t native = tables->native[slot];
    uint32_t count = cell->count;
    int32_t status = cell->status;
    sweep->code[i] = 0;
    if (status == NORMAL && count == 0 && !is_far(tables, slot)) status = BAD_COUNT;
    if (status == NORMAL && is_far(tables, slot) && before[native + TIME_FORM] + (double)count * element[native] > tables->room[slot]) status = TOO_LARGE;
    switch (status) {
    case NORMAL: break;
    case -1: return otherwise;
    case DISCONNECTED: return GONE;
    case NO_READ_ACCESS: return NO_READ_ACCESS_ROW;
    case TOO_LARGE: return TOO_LARGE_ROW;
    default: sweep->code[i] = (uint16_t)status; return REFUSED_ROW;
    }
    const int16_t *state = (const int16_t *)cell->data;
    const uint8_t *value = cell->data + before[native + TIME_FORM];
    sweep->status[i] = (uint8_t)state[0];
    sweep->severity[i] = (uint8_t)state[1];
    sweep->time[i] = time_of((const uint32_t *)cell->data + 1);
    if (is_far(tables, slot)) take_far(sweep, i, native, tables->flags[slot] & LONG_TEXT, value, count);
    else if (native != STRING) sweep->num[i] = number(native, value);
    else {
        uint32_t bytes = (uint32_t)strnlen((const char *)value, 40);
        uint8_t *to = enter(sweep, i, bytes, TEXT_ENTRY);
        if (to) memcpy(to, value, bytes);
    }
    return OK;
}

/* What has come into the columns; `otherwise` for rows without an answer. Returns whether there was room for all text
   and arrays: if not, how much is needed is known, and all is to be taken again. */
int drey_take(struct sweep *sweep, const struct tables *tables, uint8_t otherwise) {
    sweep->used_entries = sweep->used_bytes = 0;
    for (uint32_t i = 0; i < sweep->length; i++) {
        int32_t slot = sweep->slots[i];
        if (slot < 0) continue;
        const struct cell *cell = cell_at(tables, slot);
        uint32_t sequence, entries = sweep->used_entries, bytes = sweep->used_bytes;
        uint8_t outcome;
        do {
            sequence = __atomic_load_n(&cell->sequence, __ATOMIC_ACQUIRE);
            sweep->used_entries = entries, sweep->used_bytes = bytes;
            /* S1: what was not asked yet may hold the answer to an earlier sweep. */
            outcome = tables->asked[slot] == sweep->number ? take_cell(sweep, i, tables, slot, cell, otherwise) : otherwise;
            __atomic_thread_fence(__ATOMIC_ACQUIRE);
        } while (sequence & 1 || sequence != __atomic_load_n(&cell->sequence, __ATOMIC_RELAXED));
        if (outcome == OK) sweep->outcome[i] = OK;
        else clear(sweep, i, outcome), sweep->slots[i] = -1; /* and so it stays if all is taken again */
    }
    return sweep->used_entries <= sweep->most_entries && sweep->used_bytes <= sweep->most_bytes;
}
