"""What `init` reads and asks: the template's parameters, the account, and samconfig.toml."""
