"""What modules ask systemd."""
