/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Loads objects with libbpf and pins everything of them, and says how long that takes.
 *
 *   peer WARM ROUNDS DIRECTORY OBJECT...
 *
 * A round loads every OBJECT: programs are pinned as DIRECTORY/<n>/<name>, maps as DIRECTORY/<n>/maps/<name>. Each round
 * but the first WARM prints a line of JSON: microseconds of a round in open, load and pin, and in all. What was loaded
 * is removed again between rounds, which is not measured. The last line is the most memory the process had, in KiB.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define PATH_SIZE 4096

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static void fail(const char *what, const char *subject)
{
	fprintf(stderr, "peer: %s %s: %s\n", what, subject, strerror(errno));
	exit(1);
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

static void pin(int fd, const char *directory, const char *name)
{
	char path[PATH_SIZE];
	size_t length = snprintf(path, sizeof(path), "%s/", directory);

	snprintf(path + length, sizeof(path) - length, "%s", name);
	for (char *dot = path + length; (dot = strchr(dot, '.')); dot++)
		*dot = '_';
	if (bpf_obj_pin(fd, path))
		fail("cannot pin", path);
}

static void pin_all(struct bpf_object *object, const char *directory)
{
	char maps[PATH_SIZE];
	struct bpf_program *program;
	struct bpf_map *map;

	snprintf(maps, sizeof(maps), "%s/maps", directory);
	if (mkdir(directory, 0700) || mkdir(maps, 0700))
		fail("cannot make directories in", directory);
	bpf_object__for_each_map(map, object)
		if (bpf_map__fd(map) >= 0)
			pin(bpf_map__fd(map), maps, bpf_map__name(map));
	bpf_object__for_each_program(program, object)
		if (bpf_program__fd(program) >= 0)
			pin(bpf_program__fd(program), directory, bpf_program__name(program));
}

static void remove_pins(const char *directory)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		char path[PATH_SIZE];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (entry->d_type == DT_DIR)
			remove_pins(path);
		else
			unlink(path);
	}
	closedir(entries);
	rmdir(directory);
}

int main(int count, char **arguments)
{
	int files = count - 4, warm, rounds;
	struct bpf_object **objects;
	char own[PATH_SIZE];
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = own);
	struct rusage usage;

	if (files < 1) {
		fprintf(stderr, "usage: peer WARM ROUNDS DIRECTORY OBJECT...\n");
		return 2;
	}
	warm = atoi(arguments[1]);
	rounds = atoi(arguments[2]);
	objects = calloc(files, sizeof(*objects));
	snprintf(own, sizeof(own), "%s/own", arguments[3]);
	libbpf_set_print(quiet);
	for (int round = 0; round < warm + rounds; round++) {
		double open = 0, load = 0, pinned = 0;

		mkdir(own, 0700);
		for (int i = 0; i < files; i++) {
			char directory[PATH_SIZE];
			double start = now(), opened, loaded;

			objects[i] = bpf_object__open_file(arguments[4 + i], &options);
			if (!objects[i])
				fail("cannot open", arguments[4 + i]);
			opened = now();
			if (bpf_object__load(objects[i]))
				fail("cannot load", arguments[4 + i]);
			loaded = now();
			snprintf(directory, sizeof(directory), "%s/%d", arguments[3], i);
			pin_all(objects[i], directory);
			open += opened - start;
			load += loaded - opened;
			pinned += now() - loaded;
		}
		for (int i = 0; i < files; i++) {
			char directory[PATH_SIZE];

			snprintf(directory, sizeof(directory), "%s/%d", arguments[3], i);
			remove_pins(directory);
			bpf_object__close(objects[i]);
		}
		remove_pins(own);
		if (round >= warm)
			printf("{\"open\":%.1f,\"load\":%.1f,\"pin\":%.1f,\"total\":%.1f}\n", open, load, pinned,
			       open + load + pinned);
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"memory\":%ld}\n", usage.ru_maxrss);
	return 0;
}
