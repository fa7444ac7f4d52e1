//! What a service is: ranks, mailboxes, threads, supervision, the world (time and randomness), the simulator.
