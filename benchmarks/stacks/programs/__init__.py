"""What runs inside the servers: small programs, importing no more than a server of theirs would."""
