ssh-keygen -t ed25519
cat key.pub
