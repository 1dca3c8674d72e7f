//! Who an event and a session belong to.

use std::collections::BTreeMap;

use super::event::Event;
use super::sessions::SessionKey;
use super::settings::{Identity, Settings};

/// A person: a known user, or a device nobody has signed in on. The two never collide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum UserKey {
    User(String),
    Device(String),
}

pub struct Identities<'a> {
    events: &'a [Event],
    session_of: &'a [SessionKey],
    identity: Identity,
    /// The latest `user_id` seen in each session and on each device.
    of_session: BTreeMap<&'a SessionKey, &'a str>,
    of_device: BTreeMap<&'a str, &'a str>,
}

impl<'a> Identities<'a> {
    /// `events` stand in the total order; `session_of` names the session of each.
    pub fn new(events: &'a [Event], session_of: &'a [SessionKey], settings: &Settings) -> Self {
        let mut of_session = BTreeMap::new();
        let mut of_device = BTreeMap::new();
        for (event, session) in events.iter().zip(session_of) {
            let Some(user) = event.user_id.as_deref() else {
                continue;
            };
            of_session.insert(session, user);
            if let Some(device) = event.user_pseudo_id.as_deref() {
                of_device.insert(device, user);
            }
        }
        Self {
            events,
            session_of,
            identity: settings.identity,
            of_session,
            of_device,
        }
    }

    pub fn of_event(&self, rank: usize) -> Option<UserKey> {
        let event = &self.events[rank];
        let own = event.user_id.clone().map(UserKey::User);
        match self.identity {
            Identity::Stitched => {
                own.or_else(|| self.of_session(&self.session_of[rank], event))
            }
            Identity::UserId => own,
            Identity::Device => event.user_pseudo_id.clone().map(UserKey::Device),
        }
    }

    /// `event` is any event of the session.
    pub fn of_session(&self, session: &SessionKey, event: &Event) -> Option<UserKey> {
        let seen = self
            .of_session
            .get(session)
            .map(|user| UserKey::User((*user).to_owned()));
        let device = event.user_pseudo_id.as_deref();
        match self.identity {
            Identity::Stitched => seen
                .or_else(|| {
                    let user = self.of_device.get(device?)?;
                    Some(UserKey::User((*user).to_owned()))
                })
                .or_else(|| device.map(|id| UserKey::Device(id.to_owned()))),
            Identity::UserId => seen,
            Identity::Device => device.map(|id| UserKey::Device(id.to_owned())),
        }
    }
}
