using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Lorq.Caching;
using Lorq.Diagnostics;
using Lorq.Reports;
using Spectre.Console;

namespace Lorq.Cli;

/// <summary><c>lorq cache</c>: what earlier runs have left, and how to get rid of it.</summary>
internal static class CacheCommand
{
    /// <summary>Digits of a profile's name that tell it from others.</summary>
    private const int ShownDigits = 8;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Builds the command.</summary>
    public static Command Create() =>
        new ExampleCommand(
            "cache",
            "Lists, trims and checks what runs keep for later ones: one profile per model, data and version of lorq.",
            """
            lorq cache list
            lorq cache trim --max 2GB
            lorq cache verify
            """
        )
        {
            List(),
            Trim(),
            Verify(),
        };

    private static ExampleCommand List()
    {
        Option<string?> folder = CacheOptions.Place();
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new ExampleCommand(
            "list",
            "Lists the profiles with what they belong to, their sizes and when they were last used.",
            """
            lorq cache list
            lorq cache list --json
            """
        )
        {
            folder,
            json,
        };
        command.SetAction(parsed =>
        {
            CacheFolder cache = Cache(parsed, folder);
            IReadOnlyList<ProfileSummary> profiles = cache.List();
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(profiles, Json));
            }
            else
            {
                Write(AnsiConsole.Console, cache, profiles);
            }
        });
        return command;
    }

    private static ExampleCommand Trim()
    {
        Option<string?> folder = CacheOptions.Place();
        var most = new Option<string?>("--max")
        {
            Description =
                $"Bytes that may remain; the least recently used goes first. Default without --older-than: {CacheFolder.CapVariable}, else 4 GB.",
            HelpName = "size",
        };
        var age = new Option<string?>("--older-than")
        {
            Description = "Drop what was not used for so long, for example 30d.",
            HelpName = "age",
        };
        var command = new ExampleCommand(
            "trim",
            "Deletes profiles: those not used for a while, or as many as it takes to come down to a size.",
            """
            lorq cache trim --max 2GB
            lorq cache trim --older-than 30d
            lorq cache trim --max 0   (everything)
            """
        )
        {
            folder,
            most,
            age,
        };
        command.SetAction(parsed =>
        {
            CacheFolder cache = Cache(parsed, folder);
            TimeSpan? older = parsed.GetValue(age) is { } a ? CacheLimits.Age(a, "--older-than") : null;
            long? max =
                parsed.GetValue(most) is { } m ? CacheLimits.Bytes(m, "--max")
                : older is null ? cache.Cap
                : null;
            TrimResult result = cache.Trim(new CacheTrim(max, older));
            AnsiConsole.Console.MarkupLineInterpolated(
                $"{Figures.Count(result.Dropped.Count, "profile")} deleted, {Figures.Bytes(result.Dropped.Sum(p => p.Bytes))}; {Figures.Bytes(cache.List().Sum(p => p.Bytes))} remain in {cache.Path}."
            );
            foreach (string problem in result.Problems)
            {
                Console.Error.WriteLine("warning: " + problem);
            }
            return result.Problems.Count == 0 ? 0 : 1;
        });
        return command;
    }

    private static ExampleCommand Verify()
    {
        Option<string?> folder = CacheOptions.Place();
        var command = new ExampleCommand(
            "verify",
            "Reads every entry and removes damaged ones, which later runs compute again.",
            """
            lorq cache verify
            lorq cache verify --cache /srv/lorq-cache
            """
        )
        {
            folder,
        };
        command.SetAction(
            (parsed, cancellationToken) =>
            {
                CacheFolder cache = Cache(parsed, folder);
                Verification found = cache.Verify(cancellationToken);
                foreach (string path in found.Removed)
                {
                    Console.Error.WriteLine($"removed: '{path}' was damaged");
                }
                foreach (string path in found.Unreadable)
                {
                    Console.Error.WriteLine($"warning: '{path}' cannot be read");
                }
                AnsiConsole.Console.MarkupLineInterpolated(
                    $"{found.Sound} of {found.Entries} entries in {cache.Path} are sound, {found.Removed.Count} damaged and removed."
                );
                // What was damaged is mended; what cannot be read is not.
                return Task.FromResult(found.Unreadable.Count == 0 ? 0 : 1);
            }
        );
        return command;
    }

    private static CacheFolder Cache(ParseResult parsed, Option<string?> folder)
    {
        CacheFolder cache =
            CacheFolder.OfUser(parsed.GetValue(folder))
            ?? throw Catalogue.CacheFolderUnusable.With(
                "",
                "this user has no home, and neither --cache nor " + CacheFolder.PathVariable + " is set"
            );
        cache.RequirePlace();
        return cache;
    }

    private static void Write(IAnsiConsole console, CacheFolder cache, IReadOnlyList<ProfileSummary> profiles)
    {
        if (profiles.Count > 0)
        {
            Table table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn("profile").NoWrap());
            table.AddColumn(new TableColumn("model").NoWrap());
            table.AddColumn("data");
            foreach (string column in new[] { "samples", "entries", "size", "last used" })
            {
                table.AddColumn(new TableColumn(column).RightAligned().NoWrap());
            }
            foreach (ProfileSummary p in profiles)
            {
                table.AddRow(
                    new Text(p.Id[..ShownDigits]),
                    new Text(p.Facts?.Model ?? "?"),
                    // The file's name says enough, and its end tells it from others.
                    new Text(Path.GetFileName(p.Facts?.Data) ?? "?") { Overflow = Overflow.Ellipsis },
                    new Text(p.Facts is { } facts ? $"{facts.Samples} + {facts.HeldOut}" : "?"),
                    new Text(Figures.Whole(p.Entries)),
                    new Text(Figures.Bytes(p.Bytes)),
                    new Text(p.LastUsed.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture))
                );
            }
            console.Write(table);
        }
        console.MarkupLineInterpolated(
            $"{Figures.Count(profiles.Count, "profile")}, {Figures.Bytes(profiles.Sum(p => p.Bytes))} of {Figures.Bytes(cache.Cap)} in {cache.Path}."
        );
    }
}
