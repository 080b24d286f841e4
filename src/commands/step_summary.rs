//! The summary of a step of GitHub Actions: the runner shows what was appended to the file that it names.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use crate::base::world::World;
use crate::model::Snapshot;
use crate::render::{self, Options};
use crate::text::one_line;

/// In bytes. Of a step's summary the runner takes 1 MiB, and of a larger one nothing.
const LARGEST: usize = 1_000_000;

/// Appends the report as Markdown, where the runner asks for it.
pub(super) fn append(snapshot: &Snapshot, options: &Options, world: &World, err: &mut dyn Write) {
    let Some(file) = world.var("GITHUB_STEP_SUMMARY").map(Path::new) else { return };
    if let Err(error) = add(file, snapshot, options) {
        let path = one_line(&file.to_string_lossy(), 400);
        drop(writeln!(err, "agentmon: could not write the step summary `{path}`: {error}"));
    }
}

fn add(file: &Path, snapshot: &Snapshot, options: &Options) -> io::Result<()> {
    let mut page = Vec::new();
    render::MARKDOWN(snapshot, options, &mut page)?;
    // Nobody may ever read from a pipe.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut file = OpenOptions::new().append(true).create(true).custom_flags(flags).open(file)?;
    let used = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    file.write_all(&cut(page, LARGEST.saturating_sub(used)))
}

const MORE: &[u8] = b"\n(The rest is left out: a step's summary has room for 1 MB.)\n";

/// As many whole lines as there is room for, and nothing where there is none for the last one.
fn cut(mut page: Vec<u8>, room: usize) -> Vec<u8> {
    if room < MORE.len() && room < page.len() {
        return Vec::new();
    }
    if page.len() > room {
        page.truncate(room.saturating_sub(MORE.len()));
        page.truncate(page.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        page.extend_from_slice(MORE);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_are_kept() {
        let text = |room| String::from_utf8(cut(b"one\ntwo\nthree\n".to_vec(), room)).unwrap();
        assert_eq!(text(14), "one\ntwo\nthree\n");
        let more = String::from_utf8(MORE.to_vec()).unwrap();
        assert_eq!((text(13), text(0)), (String::new(), String::new()));
        let long = cut("one\n".repeat(100).into_bytes(), MORE.len() + 3);
        assert_eq!(String::from_utf8(long).unwrap(), more);
        let long = cut("é\n".repeat(1000).into_bytes(), 200);
        assert!(long.len() <= 200 && std::str::from_utf8(&long).is_ok_and(|text| text.starts_with("é\n")), "{long:?}");
    }
}
