// Runs the pinned program until it has made so many events, so many in each second: producer PROGRAM EVENTS RATE
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

int main(int argc, char **argv)
{
	struct { uint32_t count, unused; } request = {};
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &request, .ctx_size_in = sizeof(request));
	uint64_t events, made = 0, start;
	double rate;
	cpu_set_t cpus;
	int program;

	if (argc != 4)
		return 2;
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	program = bpf_obj_get(argv[1]);
	events = strtoull(argv[2], NULL, 10);
	rate = strtod(argv[3], NULL);
	if (program < 0)
		return perror(argv[1]), 1;
	start = now();
	while (made < events) {
		request.count = events - made < 64 ? events - made : 64;
		// A rate of 0 is no limit. Who was held up does not catch up in one go: that would be another rate.
		if (rate > 0) {
			uint64_t due = start + made * 1e9 / rate, time = now();

			while (time < due)
				time = now();
			if (time > due + 100000)
				start += time - due;
		}
		if (bpf_prog_test_run_opts(program, &run) < 0)
			return perror("BPF_PROG_RUN"), 1;
		made += request.count;
	}
	printf("{\"events\":%llu,\"seconds\":%.6f}\n", (unsigned long long)made, (now() - start) / 1e9);
	return 0;
}
