// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What a careful C programmer would write for one job: getppid events as JSON lines into a file.
 *
 *   reference OUTPUT [--ring-bytes N] [--nap-us N] [--discard]
 *
 * A reader faster than its producer is woken by every other record, and both pay for it. So after it has emptied the
 * ring it naps before it waits: what arrives meanwhile wakes nobody. --nap-us 0 is the loop of libbpf's own examples.
 *
 * Says `ready` on stderr when attached. SIGINT or SIGTERM: detach, drain, flush, and one line on stderr,
 * `produced=N delivered=N lost=N`. --discard decodes nothing and writes nothing: the floor of the ring buffer itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/types.h>

#include <bpf/libbpf.h>

#include "record.h"
#include "reference.skel.h"

#define NS_PER_S 1000000000ULL
#define DEFAULT_RING_BYTES (4U << 20)
#define DEFAULT_NAP_US 500
#define POLL_MS 200
#define BATCH_BYTES (256 * 1024)
/* A comm of 15 bytes escapes to at most 6 bytes each; the rest of a line is less than 160. */
#define LINE_MAX_BYTES 256

static volatile sig_atomic_t stopping;

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
				  "25262728293031323334353637383940414243444546474849"
				  "50515253545556575859606162636465666768697071727374"
				  "75767778798081828384858687888990919293949596979899";

/* Everything that one event needs, together. */
struct writer {
	int fd;
	bool failed;
	bool discard;
	char *at; /* next free byte of `batch` */
	uint64_t delivered;
	uint64_t boot_to_real_ns;
	/* `second_ns` is where the second that `prefix` spells begins (real time). */
	uint64_t second_ns;
	/* The constant begin of a line and the current second: {"ts":"2025-01-31T12:34:56. */
	char prefix[27];
	char batch[BATCH_BYTES];
};

static void on_signal(int signal)
{
	(void)signal;
	stopping = 1;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void flush(struct writer *writer)
{
	const char *from = writer->batch;

	while (from < writer->at && !writer->failed) {
		ssize_t written = write(writer->fd, from, (size_t)(writer->at - from));

		if (written >= 0)
			from += written;
		else if (errno != EINTR)
			writer->failed = true;
	}
	writer->at = writer->batch;
}

static inline char *put_pair(char *at, uint32_t value)
{
	memcpy(at, &digit_pairs[value * 2], 2);
	return at + 2;
}

/* Nine digits, zero-filled. */
static inline char *put_nanos(char *at, uint32_t nanos)
{
	uint32_t high = nanos / 100000, low = nanos % 100000;

	at = put_pair(at, high / 100);
	at = put_pair(at, high % 100);
	*at++ = (char)('0' + low / 10000);
	low %= 10000;
	at = put_pair(at, low / 100);
	return put_pair(at, low % 100);
}

static inline char *put_u32(char *at, uint32_t value)
{
	char digits[10];
	char *from = digits + sizeof(digits);

	while (value >= 100) {
		from -= 2;
		put_pair(from, value % 100);
		value /= 100;
	}
	if (value >= 10) {
		from -= 2;
		put_pair(from, value);
	} else {
		*--from = (char)('0' + value);
	}
	memcpy(at, from, (size_t)(digits + sizeof(digits) - from));
	return at + (digits + sizeof(digits) - from);
}

#define PUT_LITERAL(at, text) (memcpy(at, text, sizeof(text) - 1), (at) + sizeof(text) - 1)

static char *put_escaped(char *at, const char *comm, size_t length)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)comm[i];

		if (byte == '"' || byte == '\\') {
			*at++ = '\\';
			*at++ = (char)byte;
		} else if (byte < 0x20 || byte >= 0x7f) {
			at = PUT_LITERAL(at, "\\u00");
			*at++ = hex[byte >> 4];
			*at++ = hex[byte & 15];
		} else {
			*at++ = (char)byte;
		}
	}
	return at;
}

/* True where one of the eight bytes is not plain: below 0x20, above 0x7e, a quote or a backslash. */
static inline bool needs_escape(uint64_t bytes)
{
	const uint64_t ones = 0x0101010101010101ULL, highs = 0x8080808080808080ULL;
	uint64_t quote = bytes ^ (ones * '"'), backslash = bytes ^ (ones * '\\'), del = bytes ^ (ones * 0x7f);
	uint64_t bad = bytes | (bytes - ones * 0x20) | (quote - ones) | (backslash - ones) | (del - ones);

	return bad & highs;
}

static inline char *put_comm(char *at, const char comm[16])
{
	uint64_t words[2], padded[2];
	size_t length = strnlen(comm, 16);

	memcpy(words, comm, 16);
	/* NULs behind the name become blanks for the check: the kernel fills with zeros. */
	for (int i = 0; i < 2; i++) {
		size_t used = length > (size_t)i * 8 ? length - (size_t)i * 8 : 0;

		padded[i] = used >= 8 ? words[i] : words[i] | (0x2020202020202020ULL << (used * 8));
	}
	if (needs_escape(padded[0]) || needs_escape(padded[1]))
		return put_escaped(at, comm, length);
	memcpy(at, words, 16);
	return at + length;
}

/* Spells another second; also where a stepped clock is noticed. */
static void turn_second(struct writer *writer, uint64_t boot_ns)
{
	uint64_t real_ns;
	time_t seconds;
	struct tm utc;
	char text[32];

	writer->boot_to_real_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	real_ns = boot_ns + writer->boot_to_real_ns;
	seconds = (time_t)(real_ns / NS_PER_S);
	writer->second_ns = (uint64_t)seconds * NS_PER_S;
	gmtime_r(&seconds, &utc);
	strftime(text, sizeof(text), "{\"ts\":\"%Y-%m-%dT%H:%M:%S.", &utc);
	memcpy(writer->prefix, text, sizeof(writer->prefix));
}

static int on_event(void *context, void *data, size_t size)
{
	struct writer *writer = context;
	const struct getppid_event *event = data;
	uint64_t nanos;
	char *at;

	(void)size;
	writer->delivered++;
	if (writer->discard)
		return 0;

	/* Unsigned: an event of the second before (another CPU's) lands above as well. */
	nanos = event->boot_ns + writer->boot_to_real_ns - writer->second_ns;
	if (__builtin_expect(nanos >= NS_PER_S, 0)) {
		turn_second(writer, event->boot_ns);
		nanos = event->boot_ns + writer->boot_to_real_ns - writer->second_ns;
	}
	at = writer->at;
	memcpy(at, writer->prefix, sizeof(writer->prefix));
	at = put_nanos(at + sizeof(writer->prefix), (uint32_t)nanos);
	at = PUT_LITERAL(at, "Z\",\"probe\":\"getppid\",\"pid\":");
	at = put_u32(at, event->pid);
	at = PUT_LITERAL(at, ",\"tid\":");
	at = put_u32(at, event->tid);
	at = PUT_LITERAL(at, ",\"comm\":\"");
	at = put_comm(at, event->comm);
	at = PUT_LITERAL(at, "\"}\n");
	writer->at = at;
	if (__builtin_expect(at > writer->batch + BATCH_BYTES - LINE_MAX_BYTES, 0))
		flush(writer);
	return 0;
}

static int usage(void)
{
	fputs("usage: reference OUTPUT [--ring-bytes N] [--nap-us N] [--discard]\n", stderr);
	return 2;
}

static void sum(const struct counters *counters, uint64_t *produced, uint64_t *lost)
{
	*produced = *lost = 0;
	for (int cpu = 0; cpu < CPU_SLOTS; cpu++) {
		*produced += counters[cpu].produced;
		*lost += counters[cpu].lost;
	}
}

/* Empties the ring of a detached program. Another CPU may still be inside its last run: that is waited for, at most 100 ms. */
static void drain(const struct counters *counters, struct ring_buffer *ring, const struct writer *writer,
		  uint64_t *produced, uint64_t *lost)
{
	for (int tries = 0; tries < 100; tries++) {
		ring_buffer__consume(ring);
		sum(counters, produced, lost);
		if (*produced == writer->delivered + *lost)
			return;
		usleep(1000);
	}
}

static int run(struct reference_bpf *skeleton, struct writer *writer, uint64_t nap_us)
{
	struct ring_buffer *ring;
	uint64_t produced = 0, lost = 0;
	int status = 0;

	if (reference_bpf__load(skeleton) || reference_bpf__attach(skeleton)) {
		fputs("failed to load or attach `getppid`\n", stderr);
		return 1;
	}
	ring = ring_buffer__new(bpf_map__fd(skeleton->maps.ring), on_event, writer, NULL);
	if (!ring) {
		fputs("failed to map the ring\n", stderr);
		return 1;
	}
	fputs("ready\n", stderr);

	while (!stopping) {
		int got = ring_buffer__poll(ring, POLL_MS);

		/* Quiet: let the file have what there is. */
		if (got == 0 && writer->at != writer->batch)
			flush(writer);
		if (got < 0 && got != -EINTR) {
			fprintf(stderr, "failed to read the ring: %s\n", strerror(-got));
			status = 1;
			break;
		}
		if (got > 0 && nap_us)
			usleep((useconds_t)nap_us);
	}

	reference_bpf__detach(skeleton);
	drain(skeleton->bss->counters, ring, writer, &produced, &lost);
	flush(writer);
	fprintf(stderr, "produced=%llu delivered=%llu lost=%llu\n", (unsigned long long)produced,
		(unsigned long long)writer->delivered, (unsigned long long)lost);
	ring_buffer__free(ring);
	if (writer->failed) {
		fputs("failed to write the output\n", stderr);
		status = 1;
	}
	return status;
}

int main(int argc, char **argv)
{
	static struct writer writer;
	struct sigaction action = { .sa_handler = on_signal };
	uint64_t ring_bytes = DEFAULT_RING_BYTES, nap_us = DEFAULT_NAP_US;
	const char *output = NULL;
	struct reference_bpf *skeleton;
	int status;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--ring-bytes") && i + 1 < argc)
			ring_bytes = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--nap-us") && i + 1 < argc)
			nap_us = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--discard"))
			writer.discard = true;
		else if (argv[i][0] != '-' && !output)
			output = argv[i];
		else
			return usage();
	}
	if (!output)
		return usage();

	writer.at = writer.batch;
	writer.fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (writer.fd < 0) {
		fprintf(stderr, "failed to open `%s`: %s\n", output, strerror(errno));
		return 1;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);

	skeleton = reference_bpf__open();
	if (!skeleton) {
		fputs("failed to open the object\n", stderr);
		return 1;
	}
	if (bpf_map__set_max_entries(skeleton->maps.ring, (__u32)ring_bytes)) {
		fputs("failed to set the size of the ring\n", stderr);
		return 1;
	}
	status = run(skeleton, &writer, nap_us);
	reference_bpf__destroy(skeleton);
	return status;
}
