-- Finished logs are packed again, in larger chunks: those below line `packed_lines` are.
ALTER TABLE logs ADD COLUMN packed_lines INTEGER NOT NULL DEFAULT 0;
CREATE INDEX logs_to_pack ON logs (id) WHERE complete = 1 AND packed_lines < line_count;
