"""The user's script as a process: started, watched, ended, and its end explained.

runner (the toolkit's way in) → supervisor → subreaper (a process between) → bootstrap (in the
script's own process); report says what came of it.
"""
