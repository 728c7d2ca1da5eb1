using System.Security.Cryptography;
using System.Text.Json;

namespace Lorq.Runtime.Sessions;

/// <summary>Compares a model with its manifest, <c>docs/lorq-manifest.schema.json</c>.</summary>
internal static class ManifestReader
{
    private const int NewestFormat = 1;

    /// <summary>Checks a model file; true where it was compared.</summary>
    public static bool Check(string model, LorqSessionOptions options)
    {
        string manifest = options.ManifestPath ?? Path.ChangeExtension(model, ".json");
        return Check(
            manifest,
            options,
            file =>
            {
                Compare(model, file, Hash(model));
                string folder = Path.GetDirectoryName(Path.GetFullPath(model))!;
                foreach (JsonElement data in file.GetProperty("externalData").EnumerateArray())
                {
                    CompareData(folder, data, manifest);
                }
            }
        );
    }

    /// <summary>Checks a model in memory; true where it was compared.</summary>
    public static bool Check(ReadOnlyMemory<byte> model, LorqSessionOptions options) =>
        options.ManifestPath is { } manifest
            ? Check(manifest, options, file => Compare("the model in memory", file, Convert.ToHexStringLower(SHA256.HashData(model.Span))))
        : options.ManifestCheck == ManifestCheck.Required
            ? throw new ManifestException("A model in memory has no manifest beside it: set ManifestPath.", "the model in memory")
        : false;

    private static bool Check(string manifest, LorqSessionOptions options, Action<JsonElement> compare)
    {
        if (options.ManifestCheck == ManifestCheck.Off)
        {
            return false;
        }
        bool optional = options.ManifestCheck == ManifestCheck.WhenPresent && options.ManifestPath is null;
        if (!File.Exists(manifest))
        {
            return optional ? false : throw new ManifestException($"There is no manifest '{manifest}'.", manifest);
        }
        try
        {
            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(manifest));
            JsonElement root = json.RootElement;
            if (optional && (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("lorq", out _)))
            {
                return false; // another program's file that happens to have this name
            }
            int version = root.GetProperty("formatVersion").GetInt32();
            if (version > NewestFormat)
            {
                throw new ManifestException(
                    $"The manifest '{manifest}' has format version {version}; this version of Lorq.Runtime reads up to {NewestFormat}.",
                    manifest
                );
            }
            compare(root.GetProperty("model"));
            return true;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new ManifestException($"'{manifest}' is no manifest of Lorq: {e.Message}", manifest, inner: e);
        }
    }

    private static void CompareData(string folder, JsonElement data, string manifest)
    {
        string location = data.GetProperty("file").GetString() ?? "";
        string path = Path.GetFullPath(Path.Combine(folder, location));
        string relative = Path.GetRelativePath(folder, path);
        if (Path.IsPathRooted(relative) || relative.Split('/', '\\')[0] == "..")
        {
            throw new ManifestException($"The manifest '{manifest}' names a data file outside the model's folder: '{location}'.", manifest);
        }
        if (!File.Exists(path))
        {
            throw new ManifestException($"The model's data file '{path}' is missing.", path, data.GetProperty("sha256").GetString());
        }
        Compare(path, data, Hash(path));
    }

    private static void Compare(string file, JsonElement stated, string found)
    {
        string expected = stated.GetProperty("sha256").GetString() ?? "";
        if (!string.Equals(expected, found, StringComparison.OrdinalIgnoreCase))
        {
            throw new ManifestException(
                $"'{file}' is not the file that its manifest describes: expected SHA-256 {expected}, found {found}.",
                file,
                expected,
                found
            );
        }
    }

    private static string Hash(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 20];
        for (int read; (read = stream.Read(buffer)) > 0; )
        {
            hash.AppendData(buffer, 0, read);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
