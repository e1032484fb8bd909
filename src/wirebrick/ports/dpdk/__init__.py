"""The `dpdk:` port: network cards and virtual devices by DPDK, whose mbufs are Wirebrick's frames. See port.py."""
