mount /dev/sdb1 /data
ls /data
