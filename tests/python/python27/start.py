"""Runs a script of the old Buildbots: start.py FOLDERS MODULE ARGUMENTS..., on Python 2.7."""
import os
import sqlite3
import sys

here = os.path.dirname(os.path.abspath(__file__))
folders, module = sys.argv[1:3]
sys.path[:1] = [os.path.join(here, folder) for folder in folders.split(":")]
sys.argv[:3] = [module.split(".")[0]]
# This interpreter needed it; the programs of a build must not see it.
del os.environ["LD_LIBRARY_PATH"]

connect = sqlite3.dbapi2.connect


def connect_as_then(*arguments, **options):
    """When these masters were written, renaming a table left the references of other tables to it alone."""
    connection = connect(*arguments, **options)
    connection.execute("PRAGMA legacy_alter_table = ON")
    return connection


sqlite3.connect = sqlite3.dbapi2.connect = connect_as_then
__import__(module, fromlist=["run"]).run()
