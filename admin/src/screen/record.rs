//! One thing, a field a line: names on the left, and what is not there left out.

/// A record that is being filled.
#[derive(Debug, Default)]
pub struct Record {
    lines: Vec<(&'static str, String)>,
}

impl Record {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.lines.push((name, value.into()));
        self
    }

    /// Adds a field where it has a value.
    pub fn with_some(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a field where its value is not empty.
    pub fn with_text(self, name: &'static str, value: &str) -> Self {
        if value.is_empty() { self } else { self.with(name, value) }
    }

    /// The record.
    pub fn drawn(self) -> String {
        let widest = self.lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let lines = self.lines.iter().map(|(name, value)| {
            // What has several lines stays in its column.
            let value = value.replace('\n', &format!("\n{:widest$}  ", ""));
            format!("{name:widest$}  {value}").trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_wide_as_the_widest_and_empty_fields_are_left_out() {
        let record = Record::new().with("id", "a").with_text("lane", "").with_some("until", None::<String>);
        assert_eq!(record.with("payload", "{\n}").drawn(), "id       a\npayload  {\n         }");
    }
}
