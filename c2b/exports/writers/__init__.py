"""One format a file: each writes a sheet to a binary stream while its rows come."""
