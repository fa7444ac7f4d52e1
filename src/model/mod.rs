//! The words of the domain: ids, results, properties, source stamps, changes. No I/O, no clock.
