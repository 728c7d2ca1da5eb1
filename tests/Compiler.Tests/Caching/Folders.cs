using Lorq.Caching;
using Lorq.Models;
using Lorq.Tests.Models;

namespace Lorq.Tests.Caching;

/// <summary>Caches in a temporary folder, with a clock that the test moves.</summary>
internal sealed class Folders : IDisposable
{
    public static readonly ProfileFacts Facts = new("small", "models/small.onnx", 1234, "data.npz", 22, 2, null);

    public TemporaryFolder Temporary { get; } = new();

    public ManualClock Clock { get; } = new();

    public string Root => Temporary.File("cache");

    public CacheFolder Cache(long cap = CacheFolder.DefaultCap, Func<string, long, Stream>? create = null) =>
        new(Root, cap, Clock, create ?? AtomicFile.Open);

    public string FileOf(Digest profile, CacheKey key) => Path.Combine(Root, profile.ToString(), key.FileName);

    public static Digest Digest(int number) => new ContentHash().Add(number).Finish();

    public static CacheKey Key(int number) => new("codes", Digest(number));

    public static byte[] Bytes(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public void Dispose() => Temporary.Dispose();

    internal sealed class ManualClock : TimeProvider
    {
        // Near the real time: ages of files count too.
        public DateTimeOffset Time { get; set; } = DateTimeOffset.UtcNow;

        public override DateTimeOffset GetUtcNow() => Time;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Time.UtcTicks;
    }
}
