mount /dev/nvme0n1p1 /mnt
chroot /mnt bash
