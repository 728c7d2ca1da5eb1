using System.CommandLine;
using Lorq.Caching;
using Lorq.Diagnostics;

namespace Lorq.Cli;

/// <summary>The options of commands that keep results: where, or not at all.</summary>
internal sealed class CacheOptions
{
    private readonly Option<string?> folder = Place();
    private readonly Option<bool> none = new("--no-cache") { Description = "Neither read nor keep results of runs." };

    /// <summary>Adds the options to a command.</summary>
    public CacheOptions(Command command)
    {
        command.Options.Add(folder);
        command.Options.Add(none);
    }

    /// <summary>The option that names a cache.</summary>
    public static Option<string?> Place() =>
        new("--cache")
        {
            Description =
                $"Folder with results of earlier runs, which make later ones fast. Default: {CacheFolder.PathVariable}, else the user's folder for caches.",
            HelpName = "folder",
        };

    /// <summary>The cache of a run; null for none.</summary>
    /// <exception cref="LorqException">The folder cannot be one, or both options are given.</exception>
    public CacheFolder? Folder(ParseResult parsed)
    {
        string? path = parsed.GetValue(folder);
        if (!parsed.GetValue(none))
        {
            CacheFolder? cache = CacheFolder.OfUser(path);
            if (path is not null)
            {
                cache?.RequirePlace();
            }
            return cache;
        }
        return path is null
            ? null
            : throw Catalogue.WrongUsage.With("--cache and --no-cache exclude each other", $"lorq {parsed.CommandResult.Command.Name}");
    }

    /// <summary>Says on the error stream what went wrong without stopping anything.</summary>
    public static void Warn(CacheFolder? cache)
    {
        foreach (string warning in cache?.Warnings ?? [])
        {
            Console.Error.WriteLine("warning: " + warning);
        }
    }
}
