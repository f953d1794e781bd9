//! Lists that come in pages: so many at once, and where the next page begins.

use serde::{Deserialize, Serialize};

const SIZE_MAX: u32 = 500;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    data: Vec<T>,
    has_more: bool,
    /// Where the next page begins; `null` when this is the last.
    next: Option<String>,
}

/// How many are told at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(u32);

pub fn size(wanted: Option<u32>, usual: u32) -> Size {
    Size(wanted.unwrap_or(usual).clamp(1, SIZE_MAX))
}

impl Size {
    /// What is read, so that it is known whether there are more.
    pub fn and_one_more(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl<T> Page<T> {
    /// Of what was read with one more.
    pub fn of(mut read: Vec<T>, size: Size, name: impl Fn(&T) -> String) -> Self {
        let has_more = read.len() > size.0 as usize;
        read.truncate(size.0 as usize);
        let next = read.last().filter(|_| has_more).map(name);
        Self { data: read, has_more, next }
    }
}

/// A page of a list that is short enough to be read whole.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
pub struct Slice {
    offset: Option<usize>,
    limit: Option<usize>,
}

impl Slice {
    pub fn cut<T>(self, all: Vec<T>) -> Page<T> {
        let (total, offset) = (all.len(), self.offset.unwrap_or(0));
        let data: Vec<T> = all.into_iter().skip(offset).take(self.limit.unwrap_or(usize::MAX)).collect();
        let end = offset.saturating_add(data.len());
        let has_more = end < total && !data.is_empty();
        Page { data, has_more, next: has_more.then(|| end.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_a_gap() {
        let mut offset = Some(0);
        let mut seen = Vec::new();
        while let Some(begin) = offset {
            let page = Slice { offset: Some(begin), limit: Some(3) }.cut((0..7).collect());
            assert_eq!(page.has_more, page.next.is_some());
            seen.extend(page.data);
            offset = page.next.map(|next| next.parse().unwrap());
        }
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
        let whole = Page::of(vec![1, 2, 3], size(Some(3), 9), i32::to_string);
        assert_eq!((whole.data, whole.has_more, whole.next), (vec![1, 2, 3], false, None));
        let cut = Page::of(vec![1, 2, 3, 4], size(Some(3), 9), i32::to_string);
        assert_eq!((cut.data, cut.has_more, cut.next.as_deref()), (vec![1, 2, 3], true, Some("3")));
        assert_eq!((size(Some(0), 9), size(Some(9_999), 9)), (Size(1), Size(SIZE_MAX)));
    }
}
