-- People: each with what is known of them by type (`git`, `email`, ...); a pair of type and data is one person's.
CREATE TABLE users (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    identifier TEXT NOT NULL UNIQUE,
    login      TEXT UNIQUE,
    password   TEXT
) STRICT;

CREATE TABLE users_info (
    "user" INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    type   TEXT    NOT NULL,
    data   TEXT    NOT NULL,
    PRIMARY KEY ("user", type),
    UNIQUE (type, data)
) STRICT, WITHOUT ROWID;

CREATE TABLE change_users (
    change INTEGER NOT NULL REFERENCES changes (id) ON DELETE CASCADE,
    "user" INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (change, "user")
) STRICT, WITHOUT ROWID;
CREATE INDEX change_users_back ON change_users ("user", change);
