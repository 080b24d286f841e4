//! Every setting by itself: its key, its variable, what it does, and its default, as the options tell them.

use super::settings::Settings;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// In the settings file, and with two dashes before it the option.
    pub(crate) key: String,
    pub(crate) variable: String,
    pub(crate) help: String,
    /// As it is written on the command line; none where nothing is set by itself.
    pub(crate) default: Option<String>,
    /// What its value is: `SPAN`, `COUNT`, ...
    pub(crate) kind: String,
}

impl Setting {
    /// Those of the options, in their order.
    pub(crate) fn all() -> Vec<Self> {
        let flags = Settings::flags();
        let setting = |option: &clap::Arg| {
            let help = option.get_help()?.to_string();
            let (help, default) = match help.split_once(" [default: ") {
                Some((help, default)) => (help.to_owned(), Some(default.trim_end_matches(']').to_owned())),
                None => (help, None),
            };
            Some(Self {
                key: option.get_long()?.to_owned(),
                variable: option.get_env()?.to_string_lossy().into_owned(),
                help,
                default: default.filter(|default| default != "none"),
                kind: option.get_value_names()?.first()?.to_string(),
            })
        };
        flags.get_arguments().filter_map(setting).collect()
    }

    /// A value as the settings file has it.
    pub(crate) fn in_file(&self, value: &str) -> String {
        match self.kind.as_str() {
            "GLOB" => format!("[{}]", quoted(value)),
            "COUNT" | "PERCENT" | "N" | "BOOL" if value.parse::<f64>().is_ok() || value.parse::<bool>().is_ok() => {
                value.to_owned()
            }
            _ => quoted(value),
        }
    }

    /// A value to show how one is written, where there is no default.
    pub(crate) fn example(&self) -> &'static str {
        match self.kind.as_str() {
            "SPAN" | "TIME" => "1h",
            "SIZE" => "1GiB",
            "GLOB" => "/srv/*/status.json",
            "BOOL" => "true",
            "COMMAND" => "jq -r .detail | mail -s agentmon me",
            "CLIENT" => "claude-code",
            "COUNT" => "2M",
            _ => "4",
        }
    }
}

/// A string of TOML, which knows those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_has_all_its_names_and_a_value_that_is_read() {
        let all = Setting::all();
        assert!(all.len() > 30, "{}", all.len());
        for setting in &all {
            assert_eq!(setting.variable, format!("AGENTMON_{}", setting.key.to_uppercase().replace('-', "_")));
            let is_word = |default: &&String| !default.contains(' ');
            let value = setting.default.as_ref().filter(is_word).map_or(setting.example(), String::as_str);
            let line = format!("{} = {}", setting.key, setting.in_file(value));
            assert!(Settings::parse(&line).is_ok(), "{line}: {:?}", Settings::parse(&line).err());
        }
    }
}
