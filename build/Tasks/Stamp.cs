using System.Globalization;

namespace Lorq.Build;

/// <summary>What the files of a model were made from: the request, and every input and output as it was.</summary>
internal sealed class Stamp
{
    private const string Header = "lorq-stamp 1";

    /// <summary>Some file systems keep times to two seconds only.</summary>
    private static readonly long Granularity = TimeSpan.FromSeconds(2).Ticks;

    private readonly string key;
    private readonly long written;
    private readonly IReadOnlyList<FileFact> facts;

    private Stamp(string key, long written, IReadOnlyList<FileFact> facts)
    {
        this.key = key;
        this.written = written;
        this.facts = facts;
    }

    /// <summary>Reads a stamp.</summary>
    /// <returns>Null when there is none, or none of this form.</returns>
    public static Stamp? Read(string path)
    {
        try
        {
            string[] lines = File.Exists(path) ? File.ReadAllLines(path) : [];
            if (
                lines.Length < 3
                || lines[0] != Header
                || !long.TryParse(lines[2], NumberStyles.None, CultureInfo.InvariantCulture, out long time)
            )
            {
                return null;
            }
            FileFact?[] facts = [.. lines.Skip(3).Select(FileFact.Parse)];
            return facts.Contains(null) ? null : new(lines[1], time, facts!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Writes what is true now.</summary>
    /// <param name="path">The stamp.</param>
    /// <param name="key">The request.</param>
    /// <param name="inputs">What was read.</param>
    /// <param name="outputs">What was written.</param>
    /// <param name="started">When reading began: an input written since may have been read before.</param>
    public static void Write(string path, string key, IEnumerable<string> inputs, IEnumerable<string> outputs, DateTime started)
    {
        FileFact[] facts =
        [
            .. inputs.Select(FileFact.Of).OfType<FileFact>().Select(f => f.Time >= started.Ticks ? f.Unstable() : f),
            .. outputs.Select(FileFact.Of).OfType<FileFact>(),
        ];
        new Stamp(key, DateTime.UtcNow.Ticks, facts).Save(path);
    }

    /// <summary>True when the request is the same and every file is as it was. Times that moved without a change are noted.</summary>
    public bool IsCurrent(string path, string request)
    {
        if (key != request)
        {
            return false;
        }
        long trusted = written - Granularity;
        FileFact?[] now = [.. facts.Select(f => f.Current(trusted))];
        if (now.Contains(null))
        {
            return false;
        }
        if (!now.SequenceEqual(facts))
        {
            try
            {
                new Stamp(key, DateTime.UtcNow.Ticks, now!).Save(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The contents are hashed again next time.
            }
        }
        return true;
    }

    /// <summary>True when a file was part of it and is as it was.</summary>
    public bool Covers(string file) => facts.Any(f => f.Path == file && f.Current(written - Granularity) is not null);

    /// <summary>The files, in order: inputs, the model first, then outputs.</summary>
    public IEnumerable<string> Files => facts.Select(f => f.Path);

    private void Save(string path)
    {
        string temporary = path + "." + Guid.NewGuid().ToString("N");
        File.WriteAllLines(temporary, [Header, key, written.ToString(CultureInfo.InvariantCulture), .. facts.Select(f => f.ToString())]);
        File.Delete(path);
        File.Move(temporary, path);
    }
}
