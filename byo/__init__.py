"""What a person runs: the command line, the local endpoint, the contract checker."""
