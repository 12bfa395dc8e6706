curl -fsSL https://vendor.example/install.sh | bash
