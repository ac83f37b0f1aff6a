/*
 * What libbpf makes of one program of an object file.
 *
 *   oracle list OBJECT
 *       a line for each program: {"program":"count"}
 *   oracle load OBJECT PROGRAM DIRECTORY SECONDS
 *       opens the object, switches every other program off (none if PROGRAM is *), loads, and pins what came of it:
 *       DIRECTORY/programs/<name> and DIRECTORY/maps/<name>, with '_' for each dot. Maps that ask for a pin of
 *       their own get it in DIRECTORY/own. DIRECTORY is on a bpf file system, and empty.
 *
 * The last line on stdout is the verdict: {"outcome":"loaded"}, or {"outcome":"refused","phase":"open","errno":22},
 * where the phase is open or load. libbpf's warnings go to stderr. The process ends by SIGALRM after SECONDS; the
 * verifier gives up when that signal is pending.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define PATH_SIZE 4096

static int refused(const char *phase, int error)
{
	printf("{\"outcome\":\"refused\",\"phase\":\"%s\",\"errno\":%d}\n", phase, error < 0 ? -error : error);
	return 0;
}

static int failed(const char *what, const char *subject)
{
	fprintf(stderr, "oracle: %s %s: %s\n", what, subject, strerror(errno));
	return 1;
}

static int print_warnings(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

/* Pins what an fd refers to as `directory/name`. A map's own pin does not hinder a second one. */
static int pin(int fd, const char *directory, const char *name)
{
	char path[PATH_SIZE];
	size_t length = snprintf(path, sizeof(path), "%s/", directory);

	snprintf(path + length, sizeof(path) - length, "%s", name);
	for (char *dot = path + length; (dot = strchr(dot, '.')); dot++)
		*dot = '_';
	return bpf_obj_pin(fd, path) ? failed("cannot pin", path) : 0;
}

static int pin_all(struct bpf_object *object, const char *directory)
{
	char programs[PATH_SIZE], maps[PATH_SIZE];
	struct bpf_program *program;
	struct bpf_map *map;

	snprintf(programs, sizeof(programs), "%s/programs", directory);
	snprintf(maps, sizeof(maps), "%s/maps", directory);
	if (mkdir(programs, 0700) || mkdir(maps, 0700))
		return failed("cannot make directories in", directory);
	bpf_object__for_each_program(program, object) {
		int fd = bpf_program__fd(program);

		if (fd >= 0 && pin(fd, programs, bpf_program__name(program)))
			return 1;
	}
	bpf_object__for_each_map(map, object) {
		int fd = bpf_map__fd(map);

		if (fd >= 0 && pin(fd, maps, bpf_map__name(map)))
			return 1;
	}
	return 0;
}

static int list(const char *file)
{
	struct bpf_object *object = bpf_object__open_file(file, NULL);
	struct bpf_program *program;

	if (!object)
		return refused("open", errno);
	/* Names of functions are symbols of C: nothing in them needs an escape. */
	bpf_object__for_each_program(program, object)
		printf("{\"program\":\"%s\"}\n", bpf_program__name(program));
	puts("{\"outcome\":\"loaded\"}");
	return 0;
}

static int select_program(struct bpf_object *object, const char *name)
{
	struct bpf_program *program;
	int missing = 1;

	bpf_object__for_each_program(program, object) {
		bool is_wanted = !strcmp(bpf_program__name(program), name);

		bpf_program__set_autoload(program, is_wanted);
		missing &= !is_wanted;
	}
	return missing;
}

static int load(const char *file, const char *name, const char *directory)
{
	char own_pins[PATH_SIZE];
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = own_pins);
	struct bpf_object *object;
	int error;

	snprintf(own_pins, sizeof(own_pins), "%s/own", directory);
	if (mkdir(own_pins, 0700))
		return failed("cannot make", own_pins);
	object = bpf_object__open_file(file, &options);
	if (!object)
		return refused("open", errno);
	if (strcmp(name, "*") && select_program(object, name))
		return refused("open", ENOENT);
	error = bpf_object__load(object);
	if (error)
		return refused("load", error);
	if (pin_all(object, directory))
		return 1;
	puts("{\"outcome\":\"loaded\"}");
	return 0;
}

int main(int count, char **arguments)
{
	libbpf_set_print(print_warnings);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	if (count == 3 && !strcmp(arguments[1], "list"))
		return list(arguments[2]);
	if (count == 6 && !strcmp(arguments[1], "load")) {
		alarm(atoi(arguments[5]));
		return load(arguments[2], arguments[3], arguments[4]);
	}
	fprintf(stderr, "usage: oracle list OBJECT | oracle load OBJECT PROGRAM DIRECTORY SECONDS\n");
	return 2;
}
