using System.Text.Json;
using Lorq.Caching;
using Lorq.Tests.Compilations;

namespace Lorq.Tests.Cli;

/// <summary><c>lorq cache</c> and the options of commands that keep results, in processes of their own.</summary>
public sealed class CacheCommandTests : IDisposable
{
    private readonly Trial trial = new();

    private string Root => trial.Folder.File("cache");

    public void Dispose() => trial.Dispose();

    [Fact]
    public void A_run_leaves_a_profile_that_is_listed_verified_and_trimmed()
    {
        Assert.Contains("0 profiles", Cache("list").Output, StringComparison.Ordinal);
        Assert.Equal(0, Compress("--cache", Root).Code);
        using (var listed = JsonDocument.Parse(Cache("list", "--json").Output))
        {
            JsonElement profile = Assert.Single(listed.RootElement.EnumerateArray());
            JsonElement facts = profile.GetProperty("facts");
            Assert.Equal("small", facts.GetProperty("model").GetString());
            Assert.Equal(24, facts.GetProperty("samples").GetInt64() + facts.GetProperty("heldOut").GetInt64());
            Assert.True(Directory.Exists(Path.Combine(Root, profile.GetProperty("id").GetString()!)));
            Assert.True(profile.GetProperty("bytes").GetInt64() > 0);
        }
        Assert.Contains(" small ", Cache("list").Output, StringComparison.Ordinal);

        string entry = Directory.GetFiles(Root, "moment-*", SearchOption.AllDirectories)[0];
        File.WriteAllBytes(entry, new byte[100]);
        (int code, string output, string error) = Cache("verify");
        Assert.Equal(0, code);
        Assert.Contains("1 damaged", output, StringComparison.Ordinal);
        Assert.Contains(entry, error, StringComparison.Ordinal);
        Assert.False(File.Exists(entry));
        Assert.Contains("0 damaged", Cache("verify").Output, StringComparison.Ordinal);

        string record = Assert.Single(Directory.GetFiles(Root, "profile.json", SearchOption.AllDirectories));
        File.WriteAllText(record, "{ \"facts\": 1");
        Assert.Contains(record, Cache("verify").Error, StringComparison.Ordinal);
        Assert.Contains("0 damaged", Cache("verify").Output, StringComparison.Ordinal);
        Assert.Contains(" ? ", Cache("list").Output, StringComparison.Ordinal);

        Assert.Contains("0 profiles deleted", Cache("trim", "--older-than", "1d").Output, StringComparison.Ordinal);
        Assert.Contains("0 profiles deleted", Cache("trim", "--max", "1GB").Output, StringComparison.Ordinal);
        Assert.Contains("1 profile deleted", Cache("trim", "--max", "0").Output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Root));
    }

    [Fact]
    public void Without_a_cache_nothing_is_kept()
    {
        Assert.Equal(0, LorqProcess.Run([(CacheFolder.PathVariable, Root)], Arguments("--no-cache")).Code);
        Assert.False(Directory.Exists(Root));
        Assert.Equal(0, LorqProcess.Run([(CacheFolder.PathVariable, Root)], Arguments()).Code);
        Assert.Single(Directory.GetDirectories(Root));
    }

    [Fact]
    public void Limits_and_folders_that_are_none_are_told()
    {
        Told("LORQ0911", LorqProcess.Run([(CacheFolder.CapVariable, "lots")], Arguments("--cache", Root)));
        Told("LORQ0911", LorqProcess.Run([(CacheFolder.CapVariable, "lots")], ["cache", "trim", "--cache", Root]));
        Told("LORQ0911", Cache("trim", "--max", "some"));
        Told("LORQ0911", Cache("trim", "--older-than", "3"));
        Told("LORQ0910", Compress("--cache", trial.Model));
        Told("LORQ0910", LorqProcess.Run("cache", "list", "--cache", trial.Model));
        Told("is a file", LorqProcess.Run("cache", "verify", "--cache", Path.Combine(trial.Model, "below")));
        Told("lorq compress", Compress("--cache", Root, "--no-cache"));
        Told("lorq cache list", Cache("list", "more"));
        Told("'lorq cache' is not complete without one of list, trim, verify", LorqProcess.Run("cache"));
        Told("at most 36500d", Cache("trim", "--older-than", "99999999d"));
        Told("is a file", Compress("--cache", Path.Combine(trial.Model, "cache")));
        Assert.False(Directory.Exists(trial.Output));
    }

    private static void Told(string expected, (int Code, string Output, string Error) result)
    {
        Assert.Equal(1, result.Code);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
    }

    private (int Code, string Output, string Error) Cache(string what, params string[] more) =>
        LorqProcess.Run(["cache", what, .. more, "--cache", Root]);

    private (int Code, string Output, string Error) Compress(params string[] more) => LorqProcess.Run(Arguments(more));

    private string[] Arguments(params string[] more) =>
        ["compress", trial.Model, "--budget", "30%", "--calibration", trial.Data, "-q", "-o", trial.Output, .. more];
}
