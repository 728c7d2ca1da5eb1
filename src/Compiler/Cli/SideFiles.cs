using Lorq.Diagnostics;
using Lorq.Models;

namespace Lorq.Cli;

/// <summary>Single files that a command writes where its options say.</summary>
internal static class SideFiles
{
    /// <summary>Makes sure, before the work, that each can be written, and that none takes the place of what the command reads or of another.</summary>
    /// <param name="command">As typed, for the hint.</param>
    /// <param name="read">Files that are read.</param>
    /// <param name="written">Options and their paths; null where an option is not given.</param>
    /// <exception cref="LorqException">LORQ0117: a file cannot be written; LORQ0902: it would overwrite another.</exception>
    public static void Require(string command, IEnumerable<string> read, params IEnumerable<(string Option, string? Path)> written)
    {
        var taken = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string path in read)
        {
            taken[Path.GetFullPath(path)] = "is read";
        }
        foreach ((string option, string? path) in written)
        {
            if (path is null)
            {
                continue;
            }
            if (!taken.TryAdd(Path.GetFullPath(path), $"is written by {option}"))
            {
                throw Catalogue.WrongUsage.With($"{option} would overwrite '{path}', which {taken[Path.GetFullPath(path)]}", command);
            }
            AtomicFile.RequireWritable(path);
        }
    }
}
