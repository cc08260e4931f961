//! What an admin may do: roles, and the rights of each. docs/ADMINS.md shows the same table, and a test keeps both equal.
use super::words::words;

words! {
    /// One thing that somebody may do, or may not.
    Right ("right") {
        /// See figures: how much is sent, what is overdue, what surveys say. Nothing of one reader.
        Figures = "figures",
        /// See a step as a reader would get it, and send a test of it to an editor.
        Preview = "preview",
        /// Change and publish content.
        Edit = "edit",
        /// See readers: their addresses, where they are in a series, what was sent to them.
        Readers = "readers",
        /// Trigger, pause, resume and suppress.
        Operate = "operate",
        /// Take what is stored about readers out.
        Export = "export",
        /// Erase a reader.
        Erase = "erase",
        /// Invite and disable admins, change their roles, make and revoke programs' tokens.
        People = "people",
        /// Read what admins did.
        Audit = "audit",
    }
}

words! {
    /// What somebody is among the admins.
    Role ("role") {
        Viewer = "viewer",
        Editor = "editor",
        Operator = "operator",
        Owner = "owner",
    }
}

impl Role {
    /// Each right, and which of the roles in [`Role::ALL`] have it.
    const RIGHTS: [(Right, [bool; 4]); 9] = [
        //                  viewer editor operator owner
        (Right::Figures, [true, true, true, true]),
        (Right::Preview, [false, true, true, true]),
        (Right::Edit, [false, true, false, true]),
        (Right::Readers, [false, false, true, true]),
        (Right::Operate, [false, false, true, true]),
        (Right::Export, [false, false, true, true]),
        (Right::Erase, [false, false, true, true]),
        (Right::People, [false, false, false, true]),
        (Right::Audit, [false, false, false, true]),
    ];

    pub fn may(self, right: Right) -> bool {
        Self::RIGHTS.iter().any(|(one, roles)| *one == right && roles[self as usize])
    }

    /// All that it may do.
    pub fn rights(self) -> Vec<Right> {
        Right::ALL.iter().copied().filter(|right| self.may(*right)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_is_in_the_table_and_an_owner_has_them_all() {
        assert_eq!(Role::Owner.rights(), Right::ALL);
        assert_eq!(Role::RIGHTS.map(|(right, _)| right), *Right::ALL);
        assert_eq!(Role::Viewer.rights(), [Right::Figures]);
    }

    #[test]
    fn no_role_below_the_owner_has_a_right_over_people() {
        for role in [Role::Viewer, Role::Editor, Role::Operator] {
            assert!(!role.may(Right::People) && !role.may(Right::Audit), "{role}");
        }
    }
}
