//! Reads the tables of `tests/data`: one case a line, columns apart by two spaces or a tab.

/// A line of a table.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its number in the file, for the failure's message.
    pub(crate) line: usize,
    /// The section it stands in: the last line in square brackets.
    pub(crate) section: String,
    pub(crate) columns: Vec<String>,
}

/// The rows of a table. `#` begins a comment; a column `.` repeats the one above.
pub(crate) fn rows(text: &str) -> Vec<Row> {
    let (mut rows, mut section) = (Vec::<Row>::new(), String::new());
    for (index, line) in text.lines().enumerate() {
        let line = line
            .split_once(" #")
            .map_or(line, |(before, _)| before)
            .trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            section = name.trim().to_owned();
            continue;
        }
        let mut columns: Vec<String> = Vec::new();
        for (place, column) in line
            .replace('\t', "  ")
            .split("  ")
            .map(str::trim)
            .enumerate()
        {
            if column.is_empty() && place > 0 {
                continue;
            }
            let above = rows.last().and_then(|row| row.columns.get(columns.len()));
            columns.push(match (column, above) {
                (".", Some(above)) => above.clone(),
                _ => column.to_owned(),
            });
        }
        rows.push(Row {
            line: index + 1,
            section: section.clone(),
            columns,
        });
    }
    assert!(!rows.is_empty(), "an empty table tests nothing");
    rows
}

/// Runs `check` on every row, and fails with all the rows that it complains about.
pub(crate) fn each(name: &str, rows: &[Row], mut check: impl FnMut(&Row) -> Result<(), String>) {
    let complaints: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            check(row)
                .err()
                .map(|text| format!("{name}:{}: {text}", row.line))
        })
        .collect();
    assert!(
        complaints.is_empty(),
        "{} of {} rows:\n{}",
        complaints.len(),
        rows.len(),
        complaints.join("\n")
    );
}
