using System.Text.Json;
using Lorq.Diagnostics;

namespace Lorq.Specs;

/// <summary>Reads a spec: JSON with comments, against <see cref="SpecKeys"/>.</summary>
public static class SpecParser
{
    /// <summary>Reads a file; relative data paths are relative to its folder.</summary>
    /// <exception cref="LorqException">The file cannot be read, or LORQ02xx with file, line and column.</exception>
    public static CompressionSpec Parse(string path)
    {
        byte[] bytes;
        try
        {
            using FileStream file = File.OpenRead(path);
            // One byte more than is allowed shows a file that is too long, a device without end too.
            bytes = new byte[SpecNode.LargestFile + 1];
            bytes = bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Catalogue.CannotReadFile.With(path, e.Message);
        }
        catch (ArgumentException)
        {
            // An empty path, as a script with an unset variable gives it, or one with a NUL; the message would name a parameter.
            throw Catalogue.CannotReadFile.With(path, "it is no path.");
        }
        CompressionSpec spec = Parse(bytes, path);
        string folder = Path.GetDirectoryName(path) ?? "";
        return spec with { Calibration = spec.Calibration with { Data = [.. spec.Calibration.Data.Select(d => Path.Combine(folder, d))] } };
    }

    /// <summary>Reads a text.</summary>
    /// <param name="utf8">The JSON text.</param>
    /// <param name="file">Its name, for errors.</param>
    public static CompressionSpec Parse(byte[] utf8, string file)
    {
        SpecNode root = SpecNode.Read(utf8, file);
        CompressionSpec spec = Section(new CompressionSpec(), root, "", SpecKeys.All, ["$schema", "overrides"]);
        if (Find(root, "overrides") is { } overrides)
        {
            spec = spec with { Overrides = Overrides(overrides) };
        }
        if (Find(root, "$schema") is { Kind: not JsonValueKind.String } schema)
        {
            throw Catalogue.WrongSpecValue.At(schema.Place, "$schema", "a string", schema.Shown);
        }
        if (spec.Accuracy?.Problem is { } problem)
        {
            throw Catalogue.WrongSpecValue.At(Find(root, "accuracy")!.Place, "accuracy", AccuracyLimit.Expected, problem);
        }
        return spec;
    }

    private static SiteOverride[] Overrides(SpecNode node)
    {
        if (node.Kind != JsonValueKind.Array)
        {
            throw Catalogue.WrongSpecValue.At(node.Place, "overrides", "an array of objects", node.Shown);
        }
        return
        [
            .. node.Items.Select(item =>
            {
                SiteOverride o = Section(new SiteOverride { Match = "" }, item, "overrides", SpecKeys.Override, []);
                return o.Match.Length == 0
                        ? throw Catalogue.WrongSpecValue.At(item.Place, "overrides", "objects with match", "one without it")
                    : o is { Keep: false, Bits: null, Blocks: null, Methods: null, Ranks: null, MinBits: null, MaxBits: null }
                        ? throw Catalogue.WrongSpecValue.At(
                            item.Place,
                            "overrides",
                            "objects with keep, bits, blocks, methods, ranks, minBits or maxBits",
                            $"one without any for '{SpecNode.Excerpt(o.Match)}'"
                        )
                    : o.Keep
                    && o
                        != new SiteOverride
                        {
                            Match = o.Match,
                            Kind = o.Kind,
                            Keep = true,
                        }
                        ? throw Catalogue.WrongSpecValue.At(
                            item.Place,
                            "overrides",
                            "keep alone, or what a site may choose from",
                            $"both for '{SpecNode.Excerpt(o.Match)}'"
                        )
                    : o.MinBits > o.MaxBits
                        ? throw Catalogue.WrongSpecValue.At(
                            item.Place,
                            "overrides",
                            "minBits that are not above maxBits",
                            FormattableString.Invariant($"{o.MinBits} and {o.MaxBits}")
                        )
                    : o;
            }),
        ];
    }

    /// <summary>Applies an object's keys; <paramref name="special"/> are looked at elsewhere.</summary>
    private static T Section<T>(T target, SpecNode node, string prefix, IReadOnlyList<SpecKey<T>> keys, string[] special)
    {
        if (node.Kind != JsonValueKind.Object)
        {
            throw Catalogue.WrongSpecValue.At(node.Place, prefix.Length > 0 ? prefix : "the spec", "an object", node.Shown);
        }
        string path = prefix.Length == 0 || prefix == "overrides" ? "" : prefix + ".";
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < node.Keys.Count; i++)
        {
            (string name, SourceLocation place) = node.Keys[i];
            if (!seen.Add(name))
            {
                throw Catalogue.DuplicateSpecKey.At(place, path + SpecNode.Excerpt(name));
            }
            if (special.Contains(name))
            {
                continue;
            }
            // A name with a dot would be a path: sections are objects.
            if (!name.Contains('.') && keys.FirstOrDefault(k => k.Path == path + name) is { } key)
            {
                target = key.Apply(target, node.Items[i]);
            }
            else if (path.Length == 0 && !name.Contains('.') && keys.Any(k => k.Path.StartsWith(name + ".", StringComparison.Ordinal)))
            {
                target = Section(target, node.Items[i], name, keys, []);
            }
            else
            {
                throw Catalogue.UnknownSpecKey.At(
                    place,
                    path + SpecNode.Excerpt(name),
                    NearestName.Hint(name, Known(keys, path).Concat(special))
                );
            }
        }
        return target;
    }

    private static IEnumerable<string> Known<T>(IReadOnlyList<SpecKey<T>> keys, string path) =>
        keys.Where(k => k.Path.StartsWith(path, StringComparison.Ordinal)).Select(k => k.Path[path.Length..].Split('.')[0]).Distinct();

    private static SpecNode? Find(SpecNode node, string key)
    {
        for (int i = 0; i < node.Keys.Count; i++)
        {
            if (node.Keys[i].Name == key)
            {
                return node.Items[i];
            }
        }
        return null;
    }
}
