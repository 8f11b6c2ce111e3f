// SPDX-License-Identifier: Apache-2.0

// Package architecture holds the tests that keep the shape of the repository:
// which way dependencies point, how long files are, and that everything the
// documents show is valid.
package architecture
