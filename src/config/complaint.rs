//! What is wrong with a configuration, where, and what would be right.

use serde::Serialize;
use std::fmt;

/// One thing that is wrong, or, as a warning, could be better. It reads
/// `FILE:LINE:COLUMN: path.to[2].key: what is wrong; what would be right`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// The file; empty where it is about no file.
    pub file: String,
    /// The line, from 1; 0 where it is about no line.
    pub line: usize,
    /// The column, from 1; 0 where it is about no line.
    pub column: usize,
    /// The path of keys and indices in the file; empty for the whole of it.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would be right; empty if the message says it all.
    pub hint: String,
    /// The line of the file, for terminals.
    #[serde(skip)]
    pub source_line: String,
}

impl Complaint {
    /// One about no line of a file: a file that cannot be read, a change that cannot be made.
    pub fn without_line(file: &str, path: &str, message: impl Into<String>, hint: &str) -> Complaint {
        Complaint {
            file: file.to_owned(),
            line: 0,
            column: 0,
            path: path.to_owned(),
            message: message.into(),
            hint: hint.to_owned(),
            source_line: String::new(),
        }
    }

    /// The complaint with the line that it is about below it, and a mark below the column.
    pub fn with_source_line(&self) -> String {
        if self.line == 0 {
            return self.to_string();
        }
        let number = self.line.to_string();
        let indent = " ".repeat(number.len());
        // Tabs stay tabs, so that the mark stands below its column whatever their width.
        let before = self.source_line.chars().take(self.column.saturating_sub(1));
        let before: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        format!("{self}\n{indent} |\n{number} | {}\n{indent} | {before}^", self.source_line)
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
            if self.line > 0 {
                write!(f, "{}:{}:", self.line, self.column)?;
            }
            f.write_str(" ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}
