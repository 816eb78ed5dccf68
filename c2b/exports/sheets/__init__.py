"""One kind of export a file: its columns and the statement that reads its rows."""
