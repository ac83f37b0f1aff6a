// Reads the pinned ring buffer with libbpf until SIGTERM, then says how many events it saw: consumer MAP
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

struct event {
	uint64_t time;
	uint32_t pid, tid;
	uint64_t bytes;
	uint32_t verdict;
	uint16_t source_port, destination_port;
	char comm[16];
	uint64_t serial, latency;
};

static volatile sig_atomic_t stopped;
static uint64_t seen, sum, letters;

static void stop(int signal)
{
	stopped = 1;
}

static int take(void *context, void *data, size_t size)
{
	const struct event *event = data;

	seen++;
	sum += event->bytes + event->serial + event->latency + event->pid + event->tid + event->verdict +
	       event->source_port + event->destination_port + (event->time & 0xff);
	letters += strnlen(event->comm, sizeof(event->comm));
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = stop };
	struct ring_buffer *ring;
	struct rusage usage;
	cpu_set_t cpus;
	int map;

	if (argc != 2)
		return 2;
	CPU_ZERO(&cpus);
	CPU_SET(1, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	sigaction(SIGTERM, &action, NULL);
	map = bpf_obj_get(argv[1]);
	if (map < 0)
		return perror(argv[1]), 1;
	ring = ring_buffer__new(map, take, NULL, NULL);
	if (!ring)
		return 1;
	puts("ready");
	fflush(stdout);
	while (!stopped)
		ring_buffer__poll(ring, 100);
	ring_buffer__consume(ring);
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"seen\":%llu,\"sum\":\"%llu\",\"letters\":%llu,\"cpuSeconds\":%.6f}\n", (unsigned long long)seen,
	       (unsigned long long)sum, (unsigned long long)letters,
	       usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	return 0;
}
