namespace Lorq.Caching;

/// <summary>What went wrong with a cache without stopping anything: for people, each thing once. Thread-safe.</summary>
internal sealed class CacheWarnings
{
    /// <summary>A folder that cannot be written to would otherwise have one for every entry.</summary>
    private const int Most = 8;

    private readonly List<string> texts = [];

    /// <summary>The warnings so far, in order.</summary>
    public IReadOnlyList<string> Texts
    {
        get
        {
            lock (texts)
            {
                return [.. texts];
            }
        }
    }

    /// <summary>Adds a warning unless it is there, or there are enough.</summary>
    public void Add(string text)
    {
        lock (texts)
        {
            if (texts.Count < Most && !texts.Contains(text))
            {
                texts.Add(text);
            }
        }
    }
}
