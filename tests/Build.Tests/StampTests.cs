extern alias tasks;

using tasks::Lorq.Build;

namespace Lorq.Build.Tests;

/// <summary>When results count as made from what is there.</summary>
public sealed class StampTests : IDisposable
{
    private static readonly DateTime Past = new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly string folder = Directory.CreateTempSubdirectory("lorq-stamp-").FullName;

    private string StampFile => Path.Combine(folder, "stamp");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void TheSameIsCurrent()
    {
        Stamp.Write(StampFile, "key", [Input("a", "1")], [Input("b", "2")], DateTime.UtcNow);
        Assert.True(Stamp.Read(StampFile)!.IsCurrent(StampFile, "key"));
        Assert.False(Stamp.Read(StampFile)!.IsCurrent(StampFile, "other"));
    }

    [Fact]
    public void ATimeAloneChangesNothing()
    {
        string a = Input("a", "1");
        Stamp.Write(StampFile, "key", [a], [], DateTime.UtcNow);
        File.SetLastWriteTimeUtc(a, Past.AddDays(1));
        Assert.True(Stamp.Read(StampFile)!.IsCurrent(StampFile, "key"));
    }

    [Fact]
    public void AnotherContentOfTheSameLengthCounts()
    {
        string a = Input("a", "1");
        Stamp.Write(StampFile, "key", [a], [], DateTime.UtcNow);
        File.WriteAllText(a, "2");
        Assert.False(Stamp.Read(StampFile)!.IsCurrent(StampFile, "key"));
    }

    /// <summary>Two writes within the grain of a file's time look the same by time.</summary>
    [Fact]
    public void AWriteWithinTheGrainOfTheTimeCounts()
    {
        string a = Input("a", "1");
        DateTime now = DateTime.UtcNow;
        File.SetLastWriteTimeUtc(a, now);
        Stamp.Write(StampFile, "key", [a], [], now.AddSeconds(1));
        File.WriteAllText(a, "2");
        File.SetLastWriteTimeUtc(a, now);
        Assert.False(Stamp.Read(StampFile)!.IsCurrent(StampFile, "key"));
    }

    [Fact]
    public void WhatIsWrittenWhileItIsReadIsReadAgain()
    {
        string a = Input("a", "1");
        Stamp.Write(StampFile, "key", [a], [], Past.AddDays(-1));
        Assert.False(Stamp.Read(StampFile)!.IsCurrent(StampFile, "key"));
    }

    [Fact]
    public void AnOutputThatIsGoneOrEditedCounts()
    {
        string b = Input("b", "2");
        Stamp.Write(StampFile, "key", [], [b], DateTime.UtcNow);
        File.WriteAllText(b, "3");
        Assert.False(Stamp.Read(StampFile)!.IsCurrent(StampFile, "key"));
        File.Delete(b);
        Assert.False(Stamp.Read(StampFile)!.IsCurrent(StampFile, "key"));
    }

    [Fact]
    public void APatternIsItsNames()
    {
        string pattern = Path.Combine(folder, "*.npz");
        Input("a.npz", "1");
        Stamp.Write(StampFile, "key", [pattern], [], DateTime.UtcNow);
        Input("notes.txt", "1");
        Assert.True(Stamp.Read(StampFile)!.IsCurrent(StampFile, "key"));
        Input("b.npz", "1");
        Assert.False(Stamp.Read(StampFile)!.IsCurrent(StampFile, "key"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("lorq-stamp 1\nkey\nsoon\n")]
    [InlineData("lorq-stamp 2\nkey\n1\n")]
    [InlineData("lorq-stamp 1\nkey\n1\nhalf a li")]
    public void ADamagedStampIsNone(string text)
    {
        File.WriteAllText(StampFile, text);
        Assert.Null(Stamp.Read(StampFile));
    }

    private string Input(string name, string text)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        File.SetLastWriteTimeUtc(path, Past);
        return path;
    }
}
