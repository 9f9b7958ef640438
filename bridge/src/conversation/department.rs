//! Departments: which of staff a channel's or a site's visitors are for.

use oscar_im::ScreenName;

use super::labels::fold;

/// The word that means everybody where a department's name could stand.
pub const EVERYBODY: &str = "all";

/// Some of staff, and where their visitors come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// As staff type it.
    pub name: String,
    /// Who answers; listed as staff too.
    pub handles: Vec<ScreenName>,
    /// IRC channels.
    pub channels: Vec<String>,
    /// Origins of pages with the widget, in lower case.
    pub sites: Vec<String>,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Departments(Vec<Department>);

impl Departments {
    /// In the order in which they are looked through.
    pub fn new(all: Vec<Department>) -> Self {
        Self(all)
    }

    /// By name, case aside.
    pub fn find(&self, name: &str) -> Option<&Department> {
        self.0.iter().find(|one| fold(&one.name) == fold(name))
    }

    /// Whose visitors write in this channel.
    pub fn of_channel(&self, channel: &str) -> Option<&Department> {
        self.0.iter().find(|one| one.channels.iter().any(|known| fold(known) == fold(channel)))
    }

    /// Whose visitors write from this page (origin and path).
    pub fn of_page(&self, page: &str) -> Option<&Department> {
        let (scheme, rest) = page.split_once("://")?;
        let authority = rest.split('/').next().unwrap_or_default();
        let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
        self.0.iter().find(|one| one.sites.contains(&origin))
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|one| one.name.as_str())
    }

    /// Those of `staff` who answer for this department; everybody where there is none, or nobody of it is listed.
    pub fn members(&self, name: Option<&str>, staff: &[ScreenName]) -> Vec<ScreenName> {
        let Some(department) = name.and_then(|name| self.find(name)) else { return staff.to_vec() };
        let members: Vec<ScreenName> =
            staff.iter().filter(|who| department.handles.contains(who)).cloned().collect();
        if members.is_empty() { staff.to_vec() } else { members }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_and_sites_lead_to_people() {
        let departments = Departments::new(vec![Department {
            name: "Sales".into(),
            handles: vec!["staff2".into(), "gone".into()],
            channels: vec!["#Sales".into()],
            sites: vec!["https://shop.example".into()],
        }]);
        let name = |found: Option<&Department>| found.map(|one| one.name.clone());
        assert_eq!(name(departments.of_channel("#sales")), Some("Sales".into()));
        assert_eq!(name(departments.of_channel("#support")), None);
        assert_eq!(name(departments.of_page("https://Shop.example/cart")), Some("Sales".into()));
        assert_eq!(name(departments.of_page("https://shop.example.evil.example/")), None);
        assert_eq!(name(departments.of_page("https://shop.example:8443/")), None);
        let staff: Vec<ScreenName> = vec!["staff1".into(), "Staff 2".into()];
        assert_eq!(departments.members(Some("sales"), &staff), ["staff2".into()]);
        assert_eq!(departments.members(None, &staff), staff);
        assert_eq!(departments.members(Some("dropped from the file"), &staff), staff);
        assert_eq!(departments.members(Some("sales"), &["staff1".into()]), ["staff1".into()]);
    }
}
