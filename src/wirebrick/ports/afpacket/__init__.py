"""The `afpacket:` port: an interface by packet sockets (packet(7)), with rings in memory both ways."""
