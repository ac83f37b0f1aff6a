/*
 * Runs a command in a user namespace of its own, as root there, with a bpffs that delegates all of BPF to it: what a
 * container manager does for a container that may use a BPF token (Linux 6.9).
 *
 *   delegate DIRECTORY COMMAND [ARGUMENT...]
 *
 * The bpffs is mounted over DIRECTORY, in a mount namespace of the command's own. Only a privileged process may say
 * what is delegated, only one in the user namespace may open the file system for it: so the child opens, the parent
 * configures, and the child mounts. Ends with the command's exit status; 125 where something before it failed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(int failed, const char *what)
{
	if (!failed)
		return;
	perror(what);
	exit(125);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	check(fd < 0 || write(fd, text, strlen(text)) < 0, path);
	close(fd);
}

/* One byte, and an fd with it if `fd` points to one; the same for receiving. */
static void exchange(int socket, int *fd, int sends)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *header;

	if (fd) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
	}
	if (fd && sends) {
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), fd, sizeof(int));
	}
	check((sends ? sendmsg(socket, &message, 0) : recvmsg(socket, &message, 0)) != 1, "socket");
	if (fd && !sends) {
		header = CMSG_FIRSTHDR(&message);
		check(!header, "no fd came");
		memcpy(fd, CMSG_DATA(header), sizeof(int));
	}
}

static void run(int socket, const char *directory, char **command)
{
	int fs, mounted;

	check(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", "0 0 1");
	write_file("/proc/self/gid_map", "0 0 1");
	check(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	fs = syscall(SYS_fsopen, "bpf", 0);
	check(fs < 0, "fsopen bpf");
	exchange(socket, &fs, 1);
	exchange(socket, NULL, 0);
	mounted = syscall(SYS_fsmount, fs, 0, 0);
	check(mounted < 0, "fsmount");
	check(syscall(SYS_move_mount, mounted, "", AT_FDCWD, directory, 4 /* MOVE_MOUNT_F_EMPTY_PATH */), "move_mount");
	close(mounted);
	close(fs);
	close(socket);
	execvp(command[0], command);
	check(1, command[0]);
}

int main(int count, char **arguments)
{
	const char *delegated[] = { "delegate_cmds", "delegate_maps", "delegate_progs", "delegate_attachs" };
	int sockets[2], fs, status;
	pid_t child;

	if (count < 3) {
		fprintf(stderr, "usage: delegate DIRECTORY COMMAND [ARGUMENT...]\n");
		return 125;
	}
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), "socketpair");
	child = fork();
	check(child < 0, "fork");
	if (child == 0) {
		close(sockets[0]);
		run(sockets[1], arguments[1], arguments + 2);
	}
	close(sockets[1]);
	exchange(sockets[0], &fs, 0);
	for (int i = 0; i < 4; i++)
		check(syscall(SYS_fsconfig, fs, 1 /* FSCONFIG_SET_STRING */, delegated[i], "any", 0), delegated[i]);
	check(syscall(SYS_fsconfig, fs, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0), "create the bpffs");
	exchange(sockets[0], NULL, 1);
	check(waitpid(child, &status, 0) < 0, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
