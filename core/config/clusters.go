// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/klamm-io/klamm/sdk"
)

// clusterRef is what cluster.NAME evaluates to.
type clusterRef struct{ cluster *sdk.Cluster }

var clusterType = cty.Capsule("cluster", reflect.TypeFor[clusterRef]())

// clusterGroup is what cluster.NAME stands for: one cluster, or clusters by
// key if its block has for_each (or if they are written out, as "name.key").
type clusterGroup struct {
	name    string
	blocks  hcl.Blocks
	state   progress
	members []*clusterMember
	value   measured
}

type clusterMember struct {
	cluster *sdk.Cluster
	key     string // empty without for_each
	block   *hcl.Block
	each    *each
}

var legalCluster = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)?$`)

func (l *loader) declareClusters(blocks hcl.Blocks) {
	for _, b := range blocks {
		name := b.Labels[0]
		if !legalCluster.MatchString(name) {
			l.errorf(&b.LabelRanges[0], "Invalid cluster name", "A name begins with a letter, and goes on with letters, digits, underscores and hyphens.")
			continue
		}
		base, _, _ := strings.Cut(name, ".")
		group := l.clusters[base]
		if group == nil {
			group = &clusterGroup{name: base, value: unknown}
			l.clusters[base] = group
		}
		group.blocks = append(group.blocks, b)
	}
}

// decodeClusters decodes all clusters, in the order of the file.
func (l *loader) decodeClusters() []*sdk.Cluster {
	var members []*clusterMember
	for _, name := range keysOf(l.clusters) {
		l.expandCluster(l.clusters[name])
		members = append(members, l.clusters[name].members...)
	}
	slices.SortStableFunc(members, func(a, b *clusterMember) int {
		return compareRanges(a.block.DefRange, b.block.DefRange)
	})
	var clusters []*sdk.Cluster
	contents := map[*hcl.Block]*content{}
	for _, m := range members {
		c := contents[m.block]
		if c == nil {
			c = l.read(m.block, sdk.SchemaOf(m.cluster), "for_each")
			contents[m.block] = c
		}
		instance := *c
		instance.labels = []string{m.cluster.Name}
		l.decode(&instance, m.cluster, m.each)
		clusters = append(clusters, m.cluster)
	}
	return clusters
}

func compareRanges(a, b hcl.Range) int {
	if c := strings.Compare(a.Filename, b.Filename); c != 0 {
		return c
	}
	return a.Start.Byte - b.Start.Byte
}

func (l *loader) resolveCluster(t hcl.Traversal, name string) (measured, bool) {
	base, key, dotted := strings.Cut(name, ".")
	group := l.clusters[base]
	if group == nil || dotted {
		hint := didYouMean(name, keysOf(l.clusters))
		if group != nil {
			hint = " Write cluster." + base + `["` + key + `"].`
		}
		l.errorf(t.SourceRange().Ptr(), "Unknown cluster", "There is no cluster named %q.%s", name, hint)
		return unknown, false
	}
	if group.state == resolving {
		l.errorf(t.SourceRange().Ptr(), "Reference in a circle", "The for_each of cluster %q depends on itself.", name)
		return unknown, false
	}
	l.expandCluster(group)
	if !group.value.known {
		return unknown, false
	}
	return group.value, l.checkClusterKey(t, group)
}

// checkClusterKey checks the KEY of cluster.NAME["KEY"] if it is written out.
func (l *loader) checkClusterKey(t hcl.Traversal, group *clusterGroup) bool {
	if len(t) < 3 || group.value.Type() == clusterType {
		return true
	}
	name := memberName(t[1:])
	if group.value.Type().HasAttribute(name) || name == "" {
		return true
	}
	l.unknownKey(t.SourceRange(), group, name)
	return false
}

func (l *loader) unknownKey(at hcl.Range, group *clusterGroup, key string) {
	var keys []string
	for _, m := range group.members {
		keys = append(keys, m.key)
	}
	hint := didYouMean(key, keys)
	if hint == "" && len(keys) <= 5 {
		hint = " There is " + oneOf(keys) + "."
	}
	l.errorf(&at, "Unknown cluster", "cluster.%s has no key %q.%s", group.name, key, hint)
}

// expandCluster finds out which clusters a group has.
func (l *loader) expandCluster(g *clusterGroup) {
	if g.state != unresolved || !l.descend(g.blocks[0].DefRange) {
		return
	}
	g.state = resolving
	complete := true
	taken := map[string]*hcl.Block{}
	for _, b := range g.blocks {
		_, key, _ := strings.Cut(b.Labels[0], ".")
		instances, ok := l.instances(b, l.forEachOf(b))
		complete = complete && ok
		for _, i := range instances {
			if key != "" && i.key != "" {
				l.errorf(&b.LabelRanges[0], "Invalid cluster name", "The name has a key already (after the dot), so there can be no for_each.")
				continue
			}
			i.key += key
			if other := taken[i.key]; other != nil {
				l.errorf(&b.DefRange, "Duplicate cluster", "Cluster %q is declared already at %s.", dotted(g.name, i.key), place(other.DefRange))
				continue
			}
			taken[i.key] = b
			g.members = append(g.members, &clusterMember{
				cluster: &sdk.Cluster{Name: dotted(g.name, i.key)}, key: i.key, block: b, each: i.each,
			})
		}
	}
	if other := taken[""]; other != nil && len(g.members) > 1 {
		l.errorf(&other.DefRange, "Duplicate cluster", "cluster.%s cannot be one cluster and, elsewhere, several by key.", g.name)
		complete = false
	}
	if complete {
		g.value = measure(g.reference())
	}
	g.state = resolved
	l.depth--
}

func (g *clusterGroup) reference() cty.Value {
	byKey := map[string]cty.Value{}
	for _, m := range g.members {
		ref := cty.CapsuleVal(clusterType, &clusterRef{m.cluster})
		if m.key == "" {
			return ref
		}
		byKey[m.key] = ref
	}
	return cty.ObjectVal(byKey)
}

// clusterAttribute evaluates an attribute that takes a cluster.
func (l *loader) clusterAttribute(attr *hcl.Attribute, e *each, missing func(hcl.Range) (any, bool)) (any, bool) {
	expr := attr.Expr
	if wrap, ok := expr.(*hclsyntax.TemplateWrapExpr); ok {
		expr = wrap.Wrapped
	}
	if index, ok := expr.(*hclsyntax.IndexExpr); ok && !l.clusterIndex(index, e) {
		return nil, false
	}
	v, _ := l.evaluate(attr.Expr, e).UnmarkDeep()
	switch {
	case !known(v):
		return nil, false
	case v.IsNull():
		return missing(attr.Expr.Range())
	case v.Type() == clusterType:
		return v.EncapsulatedValue().(*clusterRef).cluster, true
	}
	l.errorf(attr.Expr.Range().Ptr(), "Not a cluster", "%s", l.clusterHint(attr, v))
	return nil, false
}

// clusterIndex checks the key in cluster.NAME[expression], to name those there
// are.
func (l *loader) clusterIndex(index *hclsyntax.IndexExpr, e *each) bool {
	t, diags := hcl.AbsTraversalForExpr(index.Collection)
	if diags.HasErrors() || t.RootName() != "cluster" || len(t) != 2 {
		return true
	}
	group := l.clusters[memberName(t)]
	if group == nil {
		return true
	}
	l.expandCluster(group)
	key := l.evaluate(index.Key, e)
	if !group.value.known || !known(key) {
		return false
	}
	if key.IsMarked() || key.IsNull() || key.Type() != cty.String || group.value.Type() == clusterType {
		return true
	}
	if !group.value.Type().HasAttribute(key.AsString()) {
		l.unknownKey(index.Range(), group, key.AsString())
		return false
	}
	return true
}

// clusterHint says how to write a reference to a cluster.
func (l *loader) clusterHint(attr *hcl.Attribute, v cty.Value) string {
	write := func(reference string) string { return referenceTo(attr.Range.Filename, attr.Name, reference) }
	names := keysOf(l.clusters)
	switch {
	case v.Type() == cty.String && slices.Contains(names, strings.TrimPrefix(v.AsString(), "cluster.")):
		hint := "Write " + write("cluster."+strings.TrimPrefix(v.AsString(), "cluster."))
		if isJSON(attr.Range.Filename) {
			return hint + "."
		}
		return hint + ", without quotes."
	case v.Type().IsObjectType():
		return "These are several clusters, or none. Write which one: " + write(`cluster.NAME["KEY"]`) + "."
	case len(names) > 0:
		return "Write a reference to a cluster block, such as " + write("cluster."+names[0]) + "."
	}
	return `Declare the cluster with a block, cluster "NAME" { brokers = [...] }, and write ` + write("cluster.NAME") + "."
}

// referenceTo is an attribute that refers to something, as the file's syntax
// has it.
func referenceTo(filename, word, reference string) string {
	if isJSON(filename) {
		return fmt.Sprintf(`"%s": "${%s}"`, word, strings.ReplaceAll(reference, `"`, `\"`))
	}
	return word + " = " + reference
}
