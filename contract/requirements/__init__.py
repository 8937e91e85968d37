"""A user's ``requirements.txt``: what it means, for a job, an endpoint, a check and an image alike.

requirement_lines.py  the file's lines, and those of the files that it names
local_files.py        the files and folders that it needs beside itself
pip_run.py            pip asks nobody, and says why it failed
overlay.py            an environment for what is lacking, in a scratch folder
installed_marks.py    what was installed from files of the folder
what_is_lacking.py    whether pip has anything to do
system_libraries.py   which library of the system is missing, and what has it
import_check.py       whether what was installed can be imported
image_build.py        what an image's build does
"""
