//! The file of a cache: what it takes for its own, and what others did to it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

const VALUE: Option<u32> = Some(5);

#[test]
fn what_others_may_write_is_neither_read_nor_written() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("agentmon");
    let path = folder.join("cache");
    save(&path, &VALUE).unwrap();
    let stored = fs::read(&path).unwrap();
    let allow = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let cases: [(&str, u32, u32); 5] =
        [("", 0o700, 0o600), ("", 0o755, 0o644), ("w", 0o770, 0o600), ("w", 0o702, 0o600), ("w", 0o700, 0o620)];
    for (refused, of_folder, of_file) in cases {
        allow(&folder, of_folder);
        allow(&path, of_file);
        let wanted = if refused.is_empty() { VALUE } else { None };
        assert_eq!(load::<Option<u32>>(&path), wanted, "{of_folder:o} {of_file:o}");
        assert_eq!(refusal(&path).is_some(), wanted.is_none(), "{of_folder:o} {of_file:o}");
        if of_folder & 0o022 != 0 {
            save(&path, &Some(6_u32)).unwrap_err();
            assert_eq!(fs::read(&path).unwrap(), stored);
        }
    }
    // The file itself is replaced, and heals; what lies above is the user's own.
    allow(&folder, 0o700);
    save(&path, &VALUE).unwrap();
    allow(root.path(), 0o777);
    assert_eq!(load::<Option<u32>>(&path), VALUE);
    allow(root.path(), 0o700);
    fs::rename(&folder, root.path().join("elsewhere")).unwrap();
    symlink(root.path().join("elsewhere"), &folder).unwrap();
    assert_eq!(load::<Option<u32>>(&path), None, "a link");
    save(&path, &Some(6_u32)).unwrap_err();
    assert_eq!(fs::read(root.path().join("elsewhere/cache")).unwrap(), stored);
}

#[test]
fn comes_back_as_it_was_and_never_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/cache");
    save(&path, &VALUE).unwrap();
    assert_eq!(load::<Option<u32>>(&path), VALUE);

    let good = fs::read(&path).unwrap();
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let damaged: [&[u8]; 5] = [b"", &good[..good.len() - 1], &[0; 4096], &flipped, b"agentmon cache 8........"];
    for bytes in damaged {
        fs::write(&path, bytes).unwrap();
        assert_eq!(load::<Option<u32>>(&path), None);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(load::<Option<u32>>(&path), None);
    assert_eq!(fs::read_dir(folder.path().join("deep")).unwrap().count(), 1, "nothing temporary is left");
}
