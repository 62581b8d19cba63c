/*
 * The limit that Drey is measured against: what a plain C program on libca needs for the same work
 * on the same soft IOCs. One command per line on standard input, one JSON object per line back, so
 * that the bench can take turns between this and Drey.
 *
 *   limit NAMES-FILE WINDOW        names one per line, "IOC-number name"; WINDOW puts in flight per IOC
 *
 *   connect      search, create all channels, wait until all are connected
 *   get          DBR_TIME_* of the native type, all elements, of every channel
 *   ctrl         DBR_CTRL_* likewise, one element
 *   put N        put with callback to every channel; N makes the values differ from the last time
 *   monitor      subscribe everything, wait for the first update of each
 *   updates S    CPU time and updates during S seconds (after monitor)
 *   unmonitor    end the subscriptions
 *   disconnect   clear all channels
 *
 * Declared against cadef.h; linked with -lca -lCom. Set EPICS_ALLOW_POSIX_THREAD_PRIORITY_SCHEDULING=NO,
 * or libca's threads are real-time ones as root and preempt the IOCs that they measure.
 */
#include <cadef.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define DEADLINE_S 120.0
#define MAX_IOCS 1024
#define TIME_OF(native) ((native) + DBR_TIME_STRING)
#define CTRL_OF(native) ((native) + DBR_CTRL_STRING)

struct channel {
  char name[64];
  int ioc;
  chid id;
  evid subscription;
  chtype native;
  unsigned long count;
  void *value;     /* DBR_TIME_* of all elements */
  void *control;   /* DBR_CTRL_* of one */
  void *output;    /* what put sends */
  int updated;
};

struct queue {
  int *members;
  int size, next;
};

static struct channel *channels;
static int total;
static struct queue queues[MAX_IOCS];
static int iocs;
static int window_size;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int done, failed, ready;
static long long updates;

static double wall(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static double cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec * 1e3 + usage.ru_utime.tv_usec / 1e3 + usage.ru_stime.tv_sec * 1e3 + usage.ru_stime.tv_usec / 1e3;
}

static void die(const char *what, int status) {
  fprintf(stderr, "limit: %s: %s\n", what, status > 0 ? ca_message(status) : strerror(errno));
  exit(1);
}

static void check(const char *what, int status) {
  if (status != ECA_NORMAL) die(what, status);
}

/* Waits on the main thread until enough callbacks were counted; false when the deadline passes first. */
static int wait_for(int *counter, int enough) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += (time_t)DEADLINE_S;
  while (__atomic_load_n(counter, __ATOMIC_SEQ_CST) < enough)
    if (pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT) return 0;
  return 1;
}

static void read_names(const char *path) {
  FILE *file = fopen(path, "r");
  int capacity = 1024, ioc;
  char name[64];
  if (!file) die(path, 0);
  channels = calloc(capacity, sizeof *channels);
  while (fscanf(file, "%d %63s", &ioc, name) == 2) {
    if (ioc < 0 || ioc >= MAX_IOCS) die("an IOC number outside 0..1023", ECA_BADCOUNT);
    if (total == capacity) {
      channels = realloc(channels, 2 * capacity * sizeof *channels);
      memset(channels + capacity, 0, capacity * sizeof *channels);
      capacity *= 2;
    }
    channels[total].ioc = ioc;
    strcpy(channels[total].name, name);
    if (ioc >= iocs) iocs = ioc + 1;
    queues[ioc].size++;
    total++;
  }
  fclose(file);
  for (int i = 0; i < iocs; i++) {
    queues[i].members = malloc(queues[i].size * sizeof(int));
    queues[i].size = 0;
  }
  for (int i = 0; i < total; i++) {
    struct queue *queue = &queues[channels[i].ioc];
    queue->members[queue->size++] = i;
  }
}

static void on_connection(struct connection_handler_args args) {
  pthread_mutex_lock(&lock);
  ready += args.op == CA_OP_CONN_UP ? 1 : -1;
  if (ready == total) pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
}

static int connect_all(void) {
  int complete;
  ready = 0;
  for (int i = 0; i < total; i++) check("ca_create_channel", ca_create_channel(channels[i].name, on_connection, NULL, 0, &channels[i].id));
  ca_flush_io();
  pthread_mutex_lock(&lock);
  complete = wait_for(&ready, total);
  pthread_mutex_unlock(&lock);
  return complete;
}

static void make_buffers(void) {
  for (int i = 0; i < total; i++) {
    struct channel *c = &channels[i];
    c->native = ca_field_type(c->id);
    c->count = ca_element_count(c->id);
    if (c->value) continue;
    c->value = calloc(1, dbr_size_n(TIME_OF(c->native), (long)c->count));
    c->control = calloc(1, dbr_size_n(CTRL_OF(c->native), 1));
    c->output = calloc(c->count, dbr_value_size[c->native]);
  }
}

static int get_all(int control) {
  for (int i = 0; i < total; i++) {
    struct channel *c = &channels[i];
    int status = control ? ca_array_get(CTRL_OF(c->native), 1, c->id, c->control)
                         : ca_array_get(TIME_OF(c->native), c->count, c->id, c->value);
    check("ca_array_get", status);
  }
  return ca_pend_io(DEADLINE_S) == ECA_NORMAL;
}

static void fill(struct channel *c, int index, int salt) {
  for (unsigned long element = 0; element < c->count; element++) switch (c->native) {
    case DBR_STRING: snprintf((char *)c->output + element * 40, 40, "text %d", (index + salt) % 1000); break;
    case DBR_ENUM: ((uint16_t *)c->output)[element] = (uint16_t)((index + salt) % 2); break;
    case DBR_LONG: ((int32_t *)c->output)[element] = (index + salt) % 1000; break;
    case DBR_DOUBLE: ((double *)c->output)[element] = (index + salt) % 1000 + 0.5; break;
    default: die("a type that the bench does not write", ECA_BADTYPE);
  }
}

/* The next put of the same IOC is queued from here and sent by quarter windows: a flush per put, or a wake-up of the main thread, costs twice as much. */
static void put_next(int ioc);

static void on_put(struct event_handler_args args) {
  int ioc = (int)(intptr_t)args.usr;
  if (args.status != ECA_NORMAL) __atomic_add_fetch(&failed, 1, __ATOMIC_SEQ_CST);
  if (queues[ioc].next < queues[ioc].size) put_next(ioc);
  if (__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST) < total) return;
  pthread_mutex_lock(&lock);
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
}

static void put_next(int ioc) {
  struct channel *c = &channels[queues[ioc].members[queues[ioc].next++]];
  check("ca_array_put_callback", ca_array_put_callback(c->native, c->count, c->id, c->output, on_put, (void *)(intptr_t)ioc));
  if (queues[ioc].next % (window_size / 4) == 0 || queues[ioc].next == queues[ioc].size) ca_flush_io();
}

static int put_all(void) {
  int complete;
  done = failed = 0;
  for (int i = 0; i < iocs; i++) {
    int first = queues[i].size < window_size ? queues[i].size : window_size;
    queues[i].next = first;
    for (int k = 0; k < first; k++) {
      struct channel *c = &channels[queues[i].members[k]];
      check("ca_array_put_callback", ca_array_put_callback(c->native, c->count, c->id, c->output, on_put, (void *)(intptr_t)i));
    }
  }
  ca_flush_io();
  pthread_mutex_lock(&lock);
  complete = wait_for(&done, total);
  pthread_mutex_unlock(&lock);
  return complete && failed == 0;
}

static void on_update(struct event_handler_args args) {
  struct channel *c = args.usr;
  if (args.status == ECA_NORMAL) memcpy(c->value, args.dbr, dbr_size_n(args.type, args.count));
  __atomic_fetch_add(&updates, 1, __ATOMIC_RELAXED);
  if (c->updated) return;
  c->updated = 1;
  if (__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST) == total) {
    pthread_mutex_lock(&lock);
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
  }
}

static int monitor_all(void) {
  int complete;
  ready = 0;
  for (int i = 0; i < total; i++) channels[i].updated = 0;
  for (int i = 0; i < total; i++) {
    struct channel *c = &channels[i];
    check("ca_create_subscription", ca_create_subscription(TIME_OF(c->native), c->count, c->id, DBE_VALUE | DBE_ALARM, on_update, c, &c->subscription));
  }
  ca_flush_io();
  pthread_mutex_lock(&lock);
  complete = wait_for(&ready, total);
  pthread_mutex_unlock(&lock);
  return complete;
}

static void run(const char *command, int argument) {
  double started = wall(), used = cpu();
  long long before = updates;
  int good = 1;
  if (!strcmp(command, "connect")) good = connect_all();
  else if (!strcmp(command, "get")) good = get_all(0);
  else if (!strcmp(command, "ctrl")) good = get_all(1);
  else if (!strcmp(command, "put")) {
    for (int i = 0; i < total; i++) fill(&channels[i], i, argument);
    started = wall(), used = cpu();
    good = put_all();
  } else if (!strcmp(command, "monitor")) good = monitor_all();
  else if (!strcmp(command, "updates")) {
    struct timespec pause = {argument, 0};
    nanosleep(&pause, NULL);
  } else if (!strcmp(command, "unmonitor")) {
    for (int i = 0; i < total; i++) check("ca_clear_subscription", ca_clear_subscription(channels[i].subscription));
    ca_flush_io();
  } else if (!strcmp(command, "disconnect")) {
    for (int i = 0; i < total; i++) check("ca_clear_channel", ca_clear_channel(channels[i].id));
    ca_flush_io();
  } else good = 0;
  double ms = wall() - started, cpu_ms = cpu() - used;
  if (!strcmp(command, "connect") && good) make_buffers();
  printf("{\"command\":\"%s\",\"good\":%s,\"ms\":%.3f,\"cpuMs\":%.3f,\"channels\":%d,\"updates\":%lld}\n", command, good ? "true" : "false", ms, cpu_ms, total, updates - before);
  fflush(stdout);
}

int main(int argc, char **argv) {
  char line[128], command[64];
  if (argc != 3) {
    fprintf(stderr, "usage: limit NAMES-FILE WINDOW\n");
    return 2;
  }
  window_size = atoi(argv[2]);
  read_names(argv[1]);
  check("ca_context_create", ca_context_create(ca_enable_preemptive_callback));
  while (fgets(line, sizeof line, stdin)) {
    int argument = 0;
    if (sscanf(line, "%63s %d", command, &argument) >= 1) run(command, argument);
  }
  ca_context_destroy();
  return 0;
}
