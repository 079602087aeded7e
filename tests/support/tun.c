/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * A tun device by hand: tun NAME. Each line on standard input is a packet in hexadecimal digits, which arrives at the device;
 * the device goes with the process.
 */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	char line[4096];
	unsigned char packet[2048];
	int device = open("/dev/net/tun", O_RDWR);

	if (argc != 2 || device < 0)
		return 1;
	strncpy(request.ifr_name, argv[1], IFNAMSIZ - 1);
	if (ioctl(device, TUNSETIFF, &request) < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		size_t size = 0;

		while (sscanf(line + 2 * size, "%2hhx", packet + size) == 1)
			size++;
		if (write(device, packet, size) != (ssize_t)size)
			perror("tun");
	}
	return 0;
}
