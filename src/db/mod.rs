//! All SQL, behind handles with verbs; one writer, several readers, two engines.
