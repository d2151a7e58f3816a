"""The sizes of windows and jobs: arithmetic, tested without Postgres."""

from __future__ import annotations

import pytest

from include.export.bulk.window_sizer import WindowSizer


def make_sizer(*, jobs: int | None = None, row_bytes: float = 100.0) -> WindowSizer:
    """Return a sizer of jobs of 1,000 rows at most and 10 at least."""
    return WindowSizer(smallest=10, job_bytes=100_000, jobs=jobs, row_bytes=row_bytes, part_rows=400)


def test_it_begins_small_or_large_and_grows_up_to_what_a_job_takes() -> None:
    sizer = make_sizer()
    sizer.begin(small=False)
    assert sizer.rows == 1_000
    sizer.begin(small=True)
    sizes = [sizer.rows]
    for _ in range(3):
        sizer.grow()
        sizes.append(sizer.rows)
    assert sizes == [10, 80, 640, 1_000]


@pytest.mark.parametrize(("kept", "rows"), [(640, 640), (5_000, 1_000), (3, 10), (None, 10)])
def test_it_begins_with_the_last_good_size_within_its_bounds(kept: int | None, rows: int) -> None:
    sizer = make_sizer()
    sizer.begin(small=True, kept=kept)
    assert sizer.rows == rows


def test_a_window_is_divided_into_jobs_only_where_it_may_be() -> None:
    assert make_sizer().parts(2_500) == 1
    divided = make_sizer(jobs=3)
    assert [divided.parts(rows) for rows in (1, 799, 800, 1_200, 3_000)] == [1, 1, 2, 3, 3]
    assert divided.most_rows() == 3_000


def test_a_window_has_as_many_jobs_as_its_rows_need_and_its_parts_are_worth() -> None:
    assert make_sizer(jobs=2).parts(3_500) == 4, "a job takes 1,000 rows"
    assert WindowSizer(10, 90_000_000, 5, 300.0, 10_000).parts(128_000) == 5
    assert WindowSizer(10, 90_000_000, 5, 300.0, 10_000).parts(16_000) == 1


def test_rows_larger_than_expected_make_windows_smaller() -> None:
    sizer = make_sizer()
    sizer.begin(small=False)
    sizer.shrink(1_000, 1_000.0)
    assert sizer.rows == 83, "a fifth more than the measured bytes of a row"


def test_a_window_that_did_not_fit_is_never_followed_by_a_larger_one() -> None:
    sizer = make_sizer()
    sizer.begin(small=True)
    sizer.shrink(10, 100.0)
    assert sizer.rows == 10


def test_uneven_parts_make_all_later_windows_smaller() -> None:
    sizer = make_sizer(jobs=5)
    sizer.begin(small=False)
    sizes = [sizer.rows]
    for _ in range(4):
        sizer.shrink(sizer.rows, 100.0)
        sizes.append(sizer.rows)
    assert sizes == [5_000, 625, 78, 10, 10]
    sizer.grow()
    assert sizer.rows == 10


@pytest.mark.parametrize("rows", [10, 11, 100, 900, 5_000])
@pytest.mark.parametrize("row_bytes", [1.0, 100.0, 10_000.0, 200_000.0])
def test_after_a_few_windows_that_did_not_fit_one_has_the_rows_of_a_job(rows: int, row_bytes: float) -> None:
    sizer = make_sizer(jobs=5)
    sizer.rows = rows
    for _ in range(6):
        before = sizer.rows
        sizer.shrink(sizer.rows, row_bytes)
        assert sizer.rows <= before
    assert sizer.rows <= max(sizer.rows_of_a_job(), 1)


def test_jobs_without_rows_do_not_say_how_large_a_row_is() -> None:
    sizer = make_sizer()
    sizer.measure(0.0)
    assert sizer.row_bytes == pytest.approx(100.0)
    sizer.measure(300.0, 250.0, 0.0)
    assert sizer.row_bytes == pytest.approx(300.0)


def test_a_window_that_cannot_be_read_is_reduced_down_to_the_smallest() -> None:
    sizer = make_sizer()
    sizer.begin(small=False)
    assert sizer.reduce(1_000)
    assert sizer.rows == 125
    assert sizer.reduce(20)
    assert sizer.rows == 10
    assert not sizer.reduce(10)


def test_no_window_grows_over_one_that_took_too_long() -> None:
    sizer = make_sizer()
    sizer.begin(small=False)
    assert sizer.cap(1_000)
    sizer.grow()
    assert sizer.rows == 125


def test_rows_of_a_job_are_at_least_one() -> None:
    assert make_sizer(row_bytes=10_000_000.0).rows_of_a_job() == 1
    assert make_sizer(row_bytes=0.0).rows_of_a_job() == 100_000
